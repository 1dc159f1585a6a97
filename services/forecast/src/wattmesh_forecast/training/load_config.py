"""How the load model is trained. Part of the key under which a training is kept."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadConfig:
    """Settings of a training."""

    history_days: int = 365
    """Newest days that are learnt from."""
    holdout_days: int = 7
    """Newest days, on which the training is judged before it is repeated with them."""
    warm_up_days: int = 3
    """Oldest days of each asset that are only looked back on."""
    issue_step_hours: int = 7
    """One set of questions every so many hours: in a week they come by every hour of the day."""
    leads_per_issue: int = 4
    leads_per_midnight: int = 12
    """Of the day that begins there: when most plans are made, and what they are made of."""
    heads: int = 4
    key_width: int = 16
    width: int = 48
    layers: int = 2
    dropout_ratio: float = 0.1
    kernel_decay: float = 1e-5
    reach: float = 2.0
    """How far the residual may move the middle, in spreads of the lags."""
    short_history_ratio: float = 0.4
    """Share of questions that see only the newest days, 1 to 27 of them."""
    no_weather_ratio: float = 0.4
    """Share of questions that see no temperature."""
    learning_rate: float = 3e-3
    batch_size: int = 512
    epochs: int = 8
    further_learning_rate: float = 1e-3
    further_epochs: int = 6
    """The same of a training that begins with what another has learnt."""
    members: int = 1
    seed: int = 1
