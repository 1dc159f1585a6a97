"""What is assumed where a problem says nothing, in words."""

from collections.abc import Iterator

from wattmesh_optimizer.domain.problem import Problem
from wattmesh_optimizer.domain.storage import Battery, EvCharger


def assumptions(problem: Problem) -> tuple[str, ...]:
    """Return a sentence for every state of charge and carbon intensity that was not known."""
    return tuple(_assumptions(problem))


def _assumptions(problem: Problem) -> Iterator[str]:
    if problem.goals.carbon_price_per_kg > 0:
        for site in problem.sites:
            if problem.intensity_of(site) is None:
                basis = problem.goals.carbon_basis.value
                words = f"{basis} carbon intensity unknown, its exchange has no carbon price"
                yield f"{site.name}: {words}"
    for _, asset in problem.assets():
        if isinstance(asset.kind, Battery) and asset.kind.initial_soc_ratio is None:
            yield (
                f"Battery {asset.label}: state of charge unknown, "
                f"{asset.kind.min_soc_ratio:.0%} assumed (the lower edge of its window)"
            )
        if isinstance(asset.kind, EvCharger):
            for session in asset.kind.sessions:
                if session.initial_soc_ratio is None:
                    yield (
                        f"EV {session.id} at {asset.label}: state of charge unknown, "
                        f"{session.assumed_soc_ratio:.0%} assumed"
                    )
