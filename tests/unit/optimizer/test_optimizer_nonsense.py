"""Whatever is sent as a problem is a problem or is refused by name: never a fault of the server."""

from hypothesis import HealthCheck, given, settings

from tests.fakes.proto_strategies import anything
from wattmesh.optimizer.v1 import problem_pb2
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_optimizer.api.problem import problem_from_proto


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


def test_a_time_zone_too_long_for_a_file_is_refused_as_any_other() -> None:
    proto = problem_pb2.Problem(currency_code="EUR")
    proto.horizon.start_time.seconds = 1_772_409_600
    proto.horizon.resolution.seconds = 3600
    proto.horizon.count = 1
    proto.sites.add(name="sites/a", time_zone="x" * 1000)
    refused = refusal(proto)
    assert refused is not None
    assert refused.field == "sites.time_zone"
