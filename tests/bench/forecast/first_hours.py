"""How good the first hours are, lead by lead, on CityLearn homes 1 to 5, that the demo plays.

    python -m tests.bench.forecast.first_hours --step 5

Every so many hours from the 6,570th on, 24 hours ahead. Loads by the model that comes with the
product, which has never met these homes; solar plants by a model trained on the hours before, and
without one. For each lead: the median over homes of the error over what came, of the model (or the
patterns) alone and of what is issued; and how much the errors of one hour and the next have in
common (correlation), where nothing more could be taken from the newest hour if it were 0.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

import numpy as np

import tests.bench.forecast.one_thread  # noqa: F401 (before TensorFlow is imported)
from tests.bench.forecast.loads import shipped
from tests.bench.forecast.sets import HOMES_SPLIT, homes_to_play
from wattmesh_forecast.domain.features import model_input
from wattmesh_forecast.domain.hours import AssetHours, Batch, Floats, Ints, Rows
from wattmesh_forecast.domain.kinds import Kind
from wattmesh_forecast.domain.mixture import Beside, mixed
from wattmesh_forecast.domain.model_input import ModelInput
from wattmesh_forecast.domain.seasonal import seasonal_middles
from wattmesh_forecast.domain.trial import ask_patterns, blend_weights
from wattmesh_forecast.training.config import TrainingConfig
from wattmesh_forecast.training.learn import learn_plants
from wattmesh_forecast.training.network import predict

AHEAD = 24
SHOWN = (1, 2, 3, 4, 6, 9, 12, 18, 24)
_ISSUES_AT_ONCE = 24
_OUTER = (0.1, 0.9)

Predict = Callable[[ModelInput], Floats]


@dataclass(frozen=True, kw_only=True, slots=True)
class Lead:
    """Medians over homes at a lead: error ratios alone and as issued, and the share taken away."""

    kind: str
    by: str
    lead_hours: int
    alone: float
    issued: float
    less_ratio: float
    correlation: float
    coverage: float | None


def main() -> None:
    """Measure, and print a table and JSON."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--step", type=int, default=5, help="hours between two issues")
    step, place = parser.parse_args().step, homes_to_play()
    found = [
        *_measure(Kind.LOAD, place[Kind.LOAD], shipped(), step),
        *_measure(Kind.PV, place[Kind.PV], _trained(place[Kind.PV]), step),
        *_measure(Kind.LOAD, place[Kind.LOAD], None, step),
        *_measure(Kind.PV, place[Kind.PV], None, step),
    ]
    print(table(found), file=sys.stderr)
    print(json.dumps({"leads": [asdict(each) for each in found]}))


def _trained(plants: list[AssetHours]) -> Predict:
    past = [plant.between(0, HOMES_SPLIT) for plant in plants]
    network = learn_plants(past, TrainingConfig(), lambda stage, ratio: None).network
    return lambda asked: np.asarray(predict(network, asked), dtype=np.float64)


def _measure(
    kind: Kind, assets: list[AssetHours], model: Predict | None, step: int
) -> Iterator[Lead]:
    batch, hours = Batch.of(assets), len(assets[0].power_w)
    issues = np.arange(HOMES_SPLIT, hours - AHEAD - 1, step)
    parts = np.array_split(issues, -(-len(issues) // _ISSUES_AT_ONCE))
    answers = [_answers(kind, batch, part, model) for part in parts]
    alone, issued = (
        np.concatenate([pair[which] for pair in answers], axis=1) for which in range(2)
    )
    came = np.stack([batch.power_w[:, issues + lead] for lead in range(1, AHEAD + 1)], axis=-1)
    yield from _leads(kind, "model" if model else "seasonal", alone, issued, came)


def _answers(
    kind: Kind, batch: Batch, issues: Ints, model: Predict | None
) -> tuple[Floats, Floats]:
    """Return quantiles (assets, issues, leads, 3) [W] alone and as issued."""
    last = np.repeat(issues, AHEAD)
    rows = Rows(target=last + np.tile(np.arange(1, AHEAD + 1), len(issues)), last=last)
    now = seasonal_middles(kind, batch, rows)
    shape = (len(batch), len(issues), AHEAD, 3)
    if model is None:
        patterns, trial = ask_patterns(kind, batch, rows)
        alone = (patterns * blend_weights(trial, rows.issues)[:, rows.issue]).sum(axis=-1)
        pair = (np.repeat(each[..., None], 3, axis=-1) for each in (alone, now.middle_w))
        one, other = (each.reshape(shape) for each in pair)
        return one, other
    asked = model_input(kind, batch, rows)
    said = model(asked) * asked.scale_w[:, None]
    issued = mixed(kind, said, Beside.of(kind, batch, rows, now))
    said[~asked.open], issued[~asked.open] = 0.0, 0.0
    return said.reshape(shape), issued.reshape(shape)


def _leads(kind: Kind, by: str, alone: Floats, issued: Floats, came: Floats) -> Iterator[Lead]:
    size = came.mean(axis=(1, 2))
    for lead in SHOWN:
        at = lead - 1
        errors = [np.abs(came - said[..., 1])[..., at].mean(axis=1) for said in (alone, issued)]
        inside = (issued[..., at, 0] <= came[..., at]) & (came[..., at] <= issued[..., at, 2])
        open_ = came[..., at] > 0
        yield Lead(
            kind=kind.value,
            by=by,
            lead_hours=lead,
            alone=_median(errors[0] / size),
            issued=_median(errors[1] / size),
            less_ratio=_median(1 - errors[1] / errors[0]),
            correlation=_correlation(issued[..., :2, 1] - came[..., :2]) if at == 0 else 0.0,
            coverage=None if by == "seasonal" else round(float(inside[open_].mean()), 3),
        )


def _correlation(errors: Floats) -> float:
    """Return the median over homes of the correlation of the errors of an issue's first hours."""
    return _median(np.array([np.corrcoef(each.T)[0, 1] for each in errors]))


def _median(values: Floats) -> float:
    return round(float(np.median(values)), 4)


def table(leads: list[Lead]) -> str:
    """Return the leads as a table for people."""
    head = f"{'kind':<6}{'by':<10}{'lead':>5}{'alone':>9}{'issued':>9}{'less':>8}{'coverage':>10}"
    rows = [
        f"{each.kind:<6}{each.by:<10}{each.lead_hours:>5}{each.alone:>9.4f}{each.issued:>9.4f}"
        f"{each.less_ratio:>8.1%}{'-' if each.coverage is None else f'{each.coverage:.3f}':>10}"
        for each in leads
    ]
    return "\n".join([head, *rows])


if __name__ == "__main__":
    main()
