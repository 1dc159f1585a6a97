"""Trains the load model that comes with the product.

    python -m tests.bench.forecast.ship ../shared/data

learns from the electricity of eight university buildings, 2019-01 to 2020-06, with the temperature
that was measured (Cambridge University Estates Building Energy Archive, MIT, doi
10.5281/zenodo.10955332; Met Office MIDAS Open, Open Government Licence v3), and from the first
6,570 hours of twelve homes (CityLearn Challenge 2022, homes 6-17, MIT; the demo plays homes 1-5).
It is judged on the year after that of all twelve buildings, and written to
`services/forecast/src/wattmesh_forecast/pretrained/load`. Nothing of the data is in it but what the
weights have learnt.
"""

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

import tests.bench.forecast.one_thread  # noqa: F401 (before TensorFlow is imported)
from tests.bench.forecast.asking import LOOK_BACK, Known, ask
from tests.bench.forecast.cells import Scores
from tests.bench.forecast.place import Place
from tests.bench.forecast.sets import campus, homes, summed
from wattmesh_forecast.adapters.model_folder import CARD, WEIGHTS, keep_weights
from wattmesh_forecast.adapters.model_json import model_to_json
from wattmesh_forecast.domain.hours import HOUR, AssetHours, Batch, Floats, LocalClock, Rows
from wattmesh_forecast.domain.kinds import Kind
from wattmesh_forecast.domain.lags import DAY
from wattmesh_forecast.domain.load_input import load_input
from wattmesh_forecast.domain.model_input import Float32s, ModelInput
from wattmesh_forecast.domain.models import ModelVersion
from wattmesh_forecast.domain.seasonal import seasonal_quantiles
from wattmesh_forecast.training.export import export
from wattmesh_forecast.training.fingerprint import fingerprint
from wattmesh_forecast.training.load_config import LoadConfig
from wattmesh_forecast.training.load_examples import load_examples
from wattmesh_forecast.training.load_learn import learn_load, weights_of
from wattmesh_forecast.training.network import predict
from wattmesh_forecast.wiring import SHIPPED_LOAD_MODEL
from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_kernel.time import TimeRange

KNOWN = Known(weeks=4, weather=False)
UTC_ZONE = ZoneInfo("UTC")
STEP_DAYS = 5
"""It is judged on every fifth day of the year."""


def main() -> None:
    """Train, write and say how good it is."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path)
    place, config = campus(parser.parse_args().data), LoadConfig()
    learnt = [*place.past, *with_sums(homes().past)]
    examples = load_examples(learnt, config)
    network = learn_load(examples, config, None, _say)
    shutil.rmtree(SHIPPED_LOAD_MODEL, ignore_errors=True)
    (SHIPPED_LOAD_MODEL / WEIGHTS).parent.mkdir(parents=True)
    keep_weights(SHIPPED_LOAD_MODEL, weights_of(network))
    export(network, nothing_measured(), Kind.LOAD.value, SHIPPED_LOAD_MODEL)
    judged = place.judged[::STEP_DAYS]
    asked = {name: ask([place.assets[name]], judged, KNOWN) for name in place.assets}
    wape = [
        float(Scores.of(each.in_w(_float64(predict(network, each.asked))), each.came_w).wape[0])
        for each in asked.values()
    ]
    seasonal, naive = _without_model(place)
    version = _version(learnt, config, (float(np.median(wape)), seasonal, naive))
    card = json.dumps(model_to_json(version), indent=1)
    (SHIPPED_LOAD_MODEL / CARD).write_text(card + "\n", "utf-8")
    print(card)


def nothing_measured() -> ModelInput:
    """Return questions with which a server may warm up, and nothing of anybody's in them."""
    hours = LocalClock.of(TimeRange.of(datetime(2026, 1, 1, tzinfo=UTC), 60 * DAY * HOUR), UTC_ZONE)
    asset = AssetHours(
        start=datetime(2026, 1, 1, tzinfo=UTC),
        power_w=np.full(60 * DAY, 1000.0),
        clock=hours,
    )
    return load_input(Batch.of([asset]), Rows.ahead(50 * DAY, range(50 * DAY + 1, 51 * DAY + 1)))


def with_sums(assets: Sequence[AssetHours]) -> list[AssetHours]:
    """Return assets with sums of four, and of all: what many homes use together is a load too."""
    parts = [assets[first : first + 4] for first in range(0, len(assets), 4)]
    return [*assets, *(summed(part) for part in (*parts, assets))]


def _without_model(place: Place) -> tuple[float, float]:
    """Return the median errors of the seasonal forecast and of yesterday over the same hours."""
    seasonal, naive = [], []
    for asset in place.assets.values():
        judged = place.judged[::STEP_DAYS]
        came = np.array([asset.power_w[at : at + DAY] for at in judged])
        seasonal.append(_wape(np.array([_seasonal(asset, at) for at in judged]), came))
        naive.append(_wape(np.array([asset.power_w[at - DAY : at] for at in judged]), came))
    return float(np.median(seasonal)), float(np.median(naive))


def _seasonal(asset: AssetHours, at: int) -> Floats:
    now = LOOK_BACK
    batch = Batch.of([asset.between(at - now, at + DAY)])
    rows = Rows.ahead(now - 1, range(now, now + DAY))
    return seasonal_quantiles(Kind.LOAD, batch, rows, (0.5,))[0, :, 0]


def _float64(values: Float32s) -> Floats:
    return values.astype(np.float64)


def _wape(said: Floats, came: Floats) -> float:
    return float(np.abs(said - came).sum() / came.sum())


def _version(
    learnt: Sequence[AssetHours], config: LoadConfig, wapes: tuple[float, float, float]
) -> ModelVersion:
    past = {
        AssetId(SiteId("shipped"), f"load-{number}"): hours for number, hours in enumerate(learnt)
    }
    first = learnt[0]
    return ModelVersion(
        model=Kind.LOAD.value,
        version=1,
        kind=Kind.LOAD,
        train_time=datetime.now(UTC),
        train_range=TimeRange.of(first.start, len(first.power_w) * HOUR),
        holdout_wape_ratio=wapes[0],
        holdout_seasonal_wape_ratio=wapes[1],
        holdout_naive_wape_ratio=wapes[2],
        fingerprint=fingerprint(Kind.LOAD, past, config),
    )


def _say(stage: str, ratio: float) -> None:
    print(f"{stage}, {ratio:.0%}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
