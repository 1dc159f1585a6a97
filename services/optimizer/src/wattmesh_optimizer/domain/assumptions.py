"""What is assumed where a problem says nothing, in words."""

from collections.abc import Iterator

from wattmesh_optimizer.domain.problem import Problem
from wattmesh_optimizer.domain.storage import Battery, EvCharger


def assumptions(problem: Problem) -> tuple[str, ...]:
    """Return a sentence for every state of charge that was not known."""
    return tuple(_assumptions(problem))


def _assumptions(problem: Problem) -> Iterator[str]:
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
