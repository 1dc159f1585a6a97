"""What the models are told of each hour: nothing that was not known when they are asked."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattmesh_forecast.domain.hours import Batch, Floats, Ints, Rows
from wattmesh_forecast.domain.kinds import PATTERNS, Kind
from wattmesh_forecast.domain.lags import (
    DAY,
    either,
    filled,
    known,
    mean,
    same_hour,
    spread,
    trailing,
)
from wattmesh_forecast.domain.load_patterns import past_day_type_level, week_level
from wattmesh_forecast.domain.pv_patterns import SolarPast, past_indices, sun_of
from wattmesh_forecast.domain.seasonal import ask_patterns, blend_weights

LONGEST_LEAD = 26.0
"""Leads beyond this look alike to the models, which are trained up to it [h]."""

Float32s = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ModelInput:
    """What a model is asked, n rows.

    `features` (n, f) describe the situation. `patterns` (n, p) are the past's patterns over
    `scale_w`, `weights` (n, p) their share in the seasonal forecast. `reach` (n, 1) bounds what
    the model may add, over `scale_w`; 0 where the answer is 0. `scale_w` (n,) is in W.
    """

    features: Float32s
    patterns: Float32s
    weights: Float32s
    reach: Float32s
    scale_w: Floats

    def __len__(self) -> int:
        return len(self.scale_w)

    def tensors(self) -> dict[str, Float32s]:
        """Return what goes over the wire, by name."""
        return {
            "features": self.features,
            "patterns": self.patterns,
            "weights": self.weights,
            "reach": self.reach,
        }

    def where(self, keep: NDArray[np.bool_]) -> "ModelInput":
        """Return the rows that are to be kept."""
        return ModelInput(
            features=self.features[keep],
            patterns=self.patterns[keep],
            weights=self.weights[keep],
            reach=self.reach[keep],
            scale_w=self.scale_w[keep],
        )


def model_input(kind: Kind, batch: Batch, rows: Rows) -> ModelInput:
    """Return what the model of a kind is told about `rows` of every asset, asset by asset."""
    patterns_w, trial = ask_patterns(kind, batch, rows)
    scale = PATTERNS[kind].scale_w(batch, rows.issues)[:, rows.issue]
    weights = blend_weights(trial, rows.issues)[:, rows.issue]
    if kind is Kind.LOAD:
        features, reach = _load_features(batch, rows, patterns_w, scale), np.ones_like(scale)
    else:
        features, reach = _pv_features(batch, rows, patterns_w, scale)
    return ModelInput(
        features=_flat(np.clip(features, -20, 20)),
        patterns=_flat(patterns_w / scale[..., None]),
        weights=_flat(weights),
        reach=_flat(reach[..., None]),
        scale_w=scale.ravel(),
    )


def concatenated(inputs: Sequence[ModelInput]) -> ModelInput:
    """Return the rows of several assets as one batch."""
    return ModelInput(
        features=np.concatenate([part.features for part in inputs]),
        patterns=np.concatenate([part.patterns for part in inputs]),
        weights=np.concatenate([part.weights for part in inputs]),
        reach=np.concatenate([part.reach for part in inputs]),
        scale_w=np.concatenate([part.scale_w for part in inputs]),
    )


def _flat(values: Floats) -> Float32s:
    """Return (assets, n, f) as rows (assets * n, f)."""
    return values.reshape(-1, values.shape[-1]).astype(np.float32)


def _load_features(batch: Batch, rows: Rows, patterns_w: Floats, scale: Floats) -> Floats:
    hours = same_hour(rows, 14, batch.clock.offset_hours)
    lags = known(batch.power_w, hours, rows.last[:, None])
    week = filled(lags[..., :7], scale)
    newest = trailing(batch.power_w, rows.issues, 2 * DAY)
    usual = _usual(batch, rows.issues)
    recent = [mean(newest[..., :hours])[:, rows.issue] for hours in (1, 3, 6, DAY)]
    day_before = mean(newest[..., DAY:])[:, rows.issue]
    unusual = [
        either(mean((newest[..., :DAY] - usual)[..., :hours]), 0.0)[:, rows.issue]
        for hours in (1, 3, 12, DAY)
    ]
    in_scale = [
        week.mean(axis=-1),
        np.median(week[..., :5], axis=-1),
        either(spread(lags), 0.0),
        *(either(values, scale) for values in (*recent, day_before)),
        *unusual,
        unusual[1] * np.exp(-rows.lead / 4),
    ]
    levels = [
        week_level(batch, rows.issues)[:, rows.issue],
        past_day_type_level(batch, rows.issues)[:, rows.issue],
    ]
    return _joined(
        patterns_w / scale[..., None],
        week / scale[..., None],
        np.stack(in_scale, axis=-1) / scale[..., None],
        np.stack(levels, axis=-1),
        _lead(rows),
        _local_time(batch, rows),
    )


def _usual(batch: Batch, issues: Ints) -> Floats:
    """Return the mean of the week before at each of the newest hours, (assets, issues, 24) [W]."""
    newest = (issues[:, None] - np.arange(DAY)).ravel()
    asked = Rows(target=np.maximum(newest, 0), last=newest - 1)
    hours = same_hour(asked, 7, batch.clock.offset_hours)
    usual = mean(known(batch.power_w, hours, asked.last[:, None]))
    return usual.reshape(len(batch), len(issues), DAY)


def _pv_features(
    batch: Batch, rows: Rows, patterns_w: Floats, scale: Floats
) -> tuple[Floats, Floats]:
    sun, past = sun_of(batch), SolarPast(batch, rows)
    envelope = np.maximum(past.envelope, 1e-3 * scale)[..., None]
    bright = (past.envelope > 0.01 * scale)[..., None]
    in_envelope = _joined(patterns_w, past.week, past.week.std(axis=-1)[..., None])
    index = past_indices(batch, rows.issues)
    indices = [
        index.day,
        index.day_before,
        index.three_hours,
        index.six_hours,
        index.one_hour,
        index.sunny,
        index.three_hours,
    ]
    fading = np.stack([*[np.ones(len(rows))] * 6, np.exp(-rows.lead / 4)], axis=-1)
    elevation, azimuth = (
        np.radians(angle[:, rows.target]) for angle in (sun.elevation_degrees, sun.azimuth_degrees)
    )
    sky = [
        past.envelope / scale,
        sun.clear_sky_w_m2[:, rows.target] / 1000,
        np.sin(elevation),
        np.sin(azimuth),
        np.cos(azimuth),
    ]
    features = _joined(
        np.where(bright, in_envelope / envelope, 0.7),
        np.stack(indices, axis=-1)[:, rows.issue] * fading,
        _lead(rows),
        np.stack(sky, axis=-1),
    )
    return features, past.envelope / scale


def _joined(*parts: Floats) -> Floats:
    """Return (assets, n, f) of parts, some of which, (n, f), are the same for every asset."""
    shape = parts[0].shape[:-1]
    return np.concatenate(
        [np.broadcast_to(part, (*shape, part.shape[-1])) for part in parts], axis=-1
    )


def _lead(rows: Rows) -> Floats:
    lead = np.minimum(rows.lead, LONGEST_LEAD)
    return np.stack([lead / DAY, np.exp(-lead / 3)], axis=-1)


def _local_time(batch: Batch, rows: Rows) -> Floats:
    angle = 2 * np.pi * batch.clock.hour[rows.target] / DAY
    weekday = batch.clock.weekday[rows.target]
    return np.stack(
        [
            np.sin(angle),
            np.cos(angle),
            np.sin(2 * angle),
            np.cos(2 * angle),
            weekday >= 5,
            *(weekday == day for day in (0, 4, 5, 6)),
        ],
        axis=-1,
    )
