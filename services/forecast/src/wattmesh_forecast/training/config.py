"""How models are trained. Part of the key under which a training is kept."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingConfig:
    """Settings of a training; the defaults held over a year of homes and a campus."""

    history_days: int = 120
    """Newest days that are learnt from."""
    warm_up_days: int = 7
    """Oldest days that only feed the patterns."""
    holdout_days: int = 7
    """Newest days, on which the training is judged before it is repeated with them."""
    stopping_days: int = 2
    """Days before those, which end the training: it goes on while it gets better on them."""
    issue_step_hours: int = 3
    """One question set every so many hours: neighbouring issues say nearly the same."""
    longest_lead_hours: int = 26
    members: int = 3
    """Networks whose answers are averaged in the graph."""
    width: int = 32
    layers: int = 2
    dropout_ratio: float = 0.1
    kernel_decay: float = 1e-4
    weight_shrinkage: float = 3e-3
    """Holds the blend of the patterns at the seasonal one unless the history insists."""
    shift_shrinkage: float = 0.5
    """Holds the added shift at 0 likewise."""
    learning_rate: float = 2e-3
    batch_size: int = 1024
    epochs: int = 20
    patience: int = 3
    seed: int = 1
