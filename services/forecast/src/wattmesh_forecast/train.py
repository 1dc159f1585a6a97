"""`python -m wattmesh_forecast.train`: a training job.

    python -m wattmesh_forecast.train load --end 2016-09-05T07:00:00Z \\
        --assets sites/home-1/assets/load sites/home-2/assets/load

reads the history of the assets from metering, trains a model on it, judges it on the newest days
and writes it as the next version of `<models_directory>/load/`, when it is better there than what
needs no model. The same data and settings are trained once. Standard output is JSON, a line each:
stages while it works, at last the version with its errors on the held-out days, or why there is
none (`refused`). The exit status is 0, 1 when the history does not suffice, or that of the first
failing part. Settings: TrainingSettings.
"""

import argparse
import asyncio
import json
import logging
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from wattmesh_forecast.adapters.holidays import Holidays
from wattmesh_forecast.adapters.metering import GrpcHistory
from wattmesh_forecast.adapters.model_folder import ModelFolder, keep_weights
from wattmesh_forecast.adapters.model_json import model_to_json
from wattmesh_forecast.adapters.site_model import read_site_model
from wattmesh_forecast.adapters.sky import PvlibSky
from wattmesh_forecast.adapters.temperatures_file import read_temperatures
from wattmesh_forecast.app.each_history import EachHistory
from wattmesh_forecast.app.followed_sites import FollowedSites
from wattmesh_forecast.app.past import Past
from wattmesh_forecast.domain.hours import HOUR, AssetHours
from wattmesh_forecast.domain.kinds import MODELLED, Kind
from wattmesh_forecast.domain.models import ModelVersion
from wattmesh_forecast.domain.outcome import NotForecast
from wattmesh_forecast.settings import TrainingSettings
from wattmesh_forecast.training.config import TrainingConfig
from wattmesh_forecast.training.fingerprint import fingerprint
from wattmesh_forecast.training.load_config import LoadConfig
from wattmesh_kernel.errors import Unavailable, WattmeshError
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange, floor_time
from wattmesh_runtime.channels import open_channel
from wattmesh_runtime.logs import configure_logging
from wattmesh_runtime.service import read_settings
from wattmesh_runtime.telemetry import Telemetry

log = logging.getLogger(__name__)

_LAGS = timedelta(days=28)


def main() -> None:
    """Run the job that the command line asks for."""
    arguments = _arguments()
    settings = read_settings(TrainingSettings)
    configure_logging(settings.log_level, settings.log_format)
    try:
        version = run(
            Kind(arguments.model),
            arguments.assets,
            _span(arguments),
            settings,
            temperatures=arguments.temperatures,
            at_once=arguments.at_once,
        )
    except (WattmeshError, ValueError) as error:
        sys.exit(f"no model: {error}")
    _say({"refused": version} if isinstance(version, str) else model_to_json(version))


def run(
    kind: Kind,
    assets: list[AssetId],
    span: TimeRange,
    settings: TrainingSettings,
    *,
    temperatures: Path | None = None,
    at_once: bool = False,
) -> ModelVersion | str:
    """Return the trained version, or why there is none; that of before for the same data.

    `temperatures` is a file of them, as they were forecast (`adapters/temperatures_file.py`).
    It is on trial beside the version in service, or, `at_once`, in its place.
    """
    config: TrainingConfig | LoadConfig = (
        LoadConfig(members=min(settings.training_members, LoadConfig().members))
        if kind is Kind.LOAD
        else TrainingConfig(members=settings.training_members)
    )
    folder = ModelFolder(settings.models_directory, settings.model_signing_key_file)
    _say_stage("reading history", 0.0)
    past = asyncio.run(_read_past(assets, span, config.history_days, settings))
    if temperatures is not None:
        past = with_temperatures(past, read_temperatures(temperatures))
    key = fingerprint(kind, past, config)
    if (objection := folder.refusal(kind.value, key)) is not None:
        return objection
    kept = folder.with_fingerprint(kind.value, key)
    if kept is not None:
        log.info("%s is trained already", kept.name)
        found: ModelVersion | str = folder.promote(kept)
    else:
        found = _train(kind, past, config, folder, key, settings)
    if at_once and isinstance(found, ModelVersion):
        folder.serve_at_once(found)
    return found


def _train(
    kind: Kind,
    past: Mapping[AssetId, AssetHours],
    config: TrainingConfig | LoadConfig,
    folder: ModelFolder,
    key: str,
    settings: TrainingSettings,
) -> ModelVersion | str:
    _prepare_tensorflow(settings.training_threads)
    # Imported only now: TensorFlow takes seconds, and a kept version does not need it.
    from wattmesh_forecast.training.export import export, exported
    from wattmesh_forecast.training.learn import learn_loads, learn_plants
    from wattmesh_forecast.training.load_learn import weights_of

    began = time.monotonic()
    first = next(iter(past.values()))
    span = TimeRange.of(first.start, len(first.power_w) * HOUR)
    holdout = timedelta(days=config.holdout_days)
    place = folder.not_taught_after(kind.value, span.end - holdout)
    served = None if place is None else exported(place)
    if isinstance(config, LoadConfig):
        base = folder.weights(kind.value)
        learnt = learn_loads(list(past.values()), config, base, _say_stage, served)
    else:
        learnt = learn_plants(list(past.values()), config, _say_stage, served)
    if (objection := learnt.verdict.objection) is not None:
        folder.refuse(kind.value, key, objection)
        return objection
    version = ModelVersion(
        model=kind.value,
        version=folder.next_version(kind.value),
        kind=kind,
        train_time=datetime.now(UTC),
        train_range=span,
        holdout_wape_ratio=learnt.verdict.wape_ratio,
        holdout_seasonal_wape_ratio=learnt.verdict.seasonal_wape_ratio,
        holdout_naive_wape_ratio=learnt.verdict.naive_wape_ratio,
        fingerprint=key,
    )
    folder.begin_trial(version)
    with folder.new_version(version) as place:
        export(learnt.network, learnt.asked, kind.value, place)
        if kind is Kind.LOAD:
            keep_weights(place, weights_of(learnt.network))
    log.info("%s trained in %.0f s", version.name, time.monotonic() - began)
    return version


async def _read_past(
    assets: list[AssetId], span: TimeRange, history_days: int, settings: TrainingSettings
) -> dict[AssetId, AssetHours]:
    longest = timedelta(days=history_days) + _LAGS
    hours = TimeRange(max(span.start, span.end - longest), span.end)
    channel = open_channel(settings.metering_target, settings, Telemetry("training"))
    try:
        subjects = FollowedSites(await read_site_model(channel)).required(assets)
        past = Past(EachHistory(GrpcHistory(channel)), PvlibSky(), Holidays())
        found = await past.over(subjects, hours, hours)
        return _without_empty_start({asset: _readable(each) for asset, each in found.items()})
    finally:
        await channel.close()


def _readable(hours: AssetHours | NotForecast) -> AssetHours:
    if isinstance(hours, NotForecast):
        raise Unavailable("HISTORY_UNAVAILABLE", hours.message)
    return hours


def _without_empty_start(past: dict[AssetId, AssetHours]) -> dict[AssetId, AssetHours]:
    """Leave out the hours before anything was measured."""
    first = min((hours.first_known() or 0) for hours in past.values())
    return {asset: hours.between(first, len(hours.power_w)) for asset, hours in past.items()}


def with_temperatures(
    past: Mapping[AssetId, AssetHours], told: Mapping[AssetId, Series]
) -> dict[AssetId, AssetHours]:
    """Return assets with the temperature of their hours, absent where none was forecast."""
    return {
        asset: hours
        if asset not in told
        else replace(
            hours,
            temperature_celsius=told[asset]
            .window(TimeRange.of(hours.start, len(hours.power_w) * HOUR))
            .values,
        )
        for asset, hours in past.items()
    }


def _prepare_tensorflow(threads: int) -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # the same sums on every machine
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    import tensorflow as tf

    logging.getLogger("tensorflow").setLevel(logging.WARNING)
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="wattmesh_forecast.train")
    parser.add_argument("model", choices=[kind.value for kind in MODELLED])
    parser.add_argument("--assets", nargs="+", type=AssetId.parse, required=True)
    parser.add_argument("--start", type=_time, help="default: as long before the end as is used")
    parser.add_argument("--end", type=_time, required=True)
    parser.add_argument("--temperatures", type=Path, help="as they were forecast; default: none")
    parser.add_argument(
        "--at-once", action="store_true", help="serve what passes the gate without a trial"
    )
    return parser.parse_args()


def _span(arguments: argparse.Namespace) -> TimeRange:
    end = floor_time(arguments.end, HOUR)
    start = end - timedelta(days=366) if arguments.start is None else arguments.start
    return TimeRange(floor_time(start, HOUR), end)


def _time(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text} has no time zone")
    return moment


def _say_stage(stage: str, progress_ratio: float) -> None:
    _say({"stage": stage, "progress_ratio": round(progress_ratio, 3)})


def _say(line: Mapping[str, object]) -> None:
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
