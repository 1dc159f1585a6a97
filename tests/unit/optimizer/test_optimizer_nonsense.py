"""Whatever is sent as a problem is a problem or is refused by name: never a fault of the server."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings

from tests.fakes.optimizer_problem import every_kind
from tests.fakes.proto_strategies import anything
from wattmesh.optimizer.v1 import problem_pb2
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_optimizer.adapters.ortools_solver import OrToolsSolver
from wattmesh_optimizer.api.problem import problem_from_proto
from wattmesh_optimizer.formulation.build import formulate


@settings(
    max_examples=500,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(anything(problem_pb2.Problem))
def test_nonsense_is_refused_by_name(proto: problem_pb2.Problem) -> None:
    refused = refusal(proto)
    assert refused is None or refused.field


def refusal(proto: problem_pb2.Problem) -> InvalidArgument | None:
    try:
        problem_from_proto(proto)
    except InvalidArgument as error:
        return error
    return None


@pytest.mark.parametrize("ratio", [1e-114, 5e-324, 1e-7])
def test_an_efficiency_that_nothing_can_be_divided_by_is_refused_by_name(ratio: float) -> None:
    proto = every_kind()
    proto.sites[0].assets[2].battery.rating.discharge_efficiency_ratio = ratio
    refused = refusal(proto)
    assert refused is not None
    assert "discharge_efficiency_ratio" in refused.field


def test_numbers_too_far_apart_are_refused_and_not_a_fault_of_the_solver() -> None:
    problem = problem_from_proto(every_kind())
    matrix = formulate(problem).ctx.program.matrix()
    matrix.entry_values[0] = 1e200
    with pytest.raises(InvalidArgument, match="too far apart"):
        OrToolsSolver().solve_linear(matrix, timedelta(seconds=1))


def test_a_time_zone_too_long_for_a_file_is_refused_as_any_other() -> None:
    proto = problem_pb2.Problem(currency_code="EUR")
    proto.horizon.start_time.seconds = 1_772_409_600
    proto.horizon.resolution.seconds = 3600
    proto.horizon.count = 1
    proto.sites.add(name="sites/a", time_zone="x" * 1000)
    refused = refusal(proto)
    assert refused is not None
    assert refused.field == "sites.time_zone"
