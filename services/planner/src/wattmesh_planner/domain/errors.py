"""What stops a plan altogether."""

from collections.abc import Sequence
from dataclasses import replace

from wattmesh_kernel.errors import FailedPrecondition
from wattmesh_planner.domain.degradations import Degradation, in_words


class NothingToSteer(FailedPrecondition):
    """Everything that could be steered had to be left out; `degradations` say why."""

    def __init__(self, scope: str, degradations: Sequence[Degradation]) -> None:
        # Without ages, so that it reads the same until something else is the matter.
        words = "; ".join(in_words(replace(each, age=None)) for each in degradations)
        super().__init__("NOTHING_TO_STEER", f"{scope} has nothing to steer: {words}")
        self.degradations = tuple(degradations)
