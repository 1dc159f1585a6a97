"""What the models are told of each hour: nothing that was not known when they are asked."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattmesh_forecast.domain.hours import AssetHours, Floats, Rows
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
from wattmesh_forecast.domain.seasonal import blend_weights, try_patterns

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


def model_input(kind: Kind, asset: AssetHours, rows: Rows) -> ModelInput:
    """Return what the model of a kind is told about `rows`."""
    patterns_w = PATTERNS[kind].values(asset, rows)
    scale = PATTERNS[kind].scale_w(asset, rows.issues)[rows.issue]
    weights = blend_weights(try_patterns(kind, asset, rows.issues), rows.issues)[rows.issue]
    if kind is Kind.LOAD:
        features, reach = _load_features(asset, rows, patterns_w, scale), np.ones(len(rows))
    else:
        features, reach = _pv_features(asset, rows, patterns_w, scale)
    return ModelInput(
        features=np.clip(features, -20, 20).astype(np.float32),
        patterns=(patterns_w / scale[:, None]).astype(np.float32),
        weights=weights.astype(np.float32),
        reach=reach[:, None].astype(np.float32),
        scale_w=scale,
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


def _load_features(asset: AssetHours, rows: Rows, patterns_w: Floats, scale: Floats) -> Floats:
    lags = known(asset.power_w, same_hour(rows, 14, asset.clock.offset_hours), rows.last[:, None])
    week = filled(lags[:, :7], scale)
    recent = [
        either(mean(trailing(asset.power_w, rows.issues, hours))[rows.issue], scale)
        for hours in (1, 3, 6, DAY)
    ]
    day_before = either(mean(trailing(asset.power_w, rows.issues, DAY, DAY))[rows.issue], scale)
    unusual = [_unusual(asset, rows, hours) for hours in (1, 3, 12, DAY)]
    in_scale = [
        *patterns_w.T,
        *week.T,
        week.mean(axis=1),
        np.median(week[:, :5], axis=1),
        either(spread(lags), 0.0),
        *recent,
        day_before,
        *unusual,
        unusual[1] * np.exp(-rows.lead / 4),
    ]
    levels = [
        week_level(asset, rows.issues)[rows.issue],
        past_day_type_level(asset, rows.issues)[rows.issue],
    ]
    return np.column_stack(
        [np.column_stack(in_scale) / scale[:, None], *levels, _lead(rows), _local_time(asset, rows)]
    )


def _unusual(asset: AssetHours, rows: Rows, hours: int) -> Floats:
    """Return by how much the newest hours lay above the same hours of the week before [W]."""
    newest = rows.issues[:, None] - np.arange(hours)
    asked = Rows(target=np.maximum(newest.ravel(), 0), last=newest.ravel() - 1)
    lags = known(asset.power_w, same_hour(asked, 7, asset.clock.offset_hours), asked.last[:, None])
    usual = mean(lags).reshape(len(rows.issues), hours)
    return either(mean(trailing(asset.power_w, rows.issues, hours) - usual), 0.0)[rows.issue]


def _pv_features(
    asset: AssetHours, rows: Rows, patterns_w: Floats, scale: Floats
) -> tuple[Floats, Floats]:
    sun, past = sun_of(asset), SolarPast(asset, rows)
    envelope = np.maximum(past.envelope, 1e-3 * scale)[:, None]
    bright = (past.envelope > 0.01 * scale)[:, None]
    in_envelope = np.column_stack([patterns_w, past.week, past.week.std(axis=1)])
    index = past_indices(asset, rows.issues)
    indices = np.column_stack(
        [
            index.day,
            index.day_before,
            index.three_hours,
            index.six_hours,
            index.one_hour,
            index.sunny,
        ]
    )[rows.issue]
    elevation, azimuth = (
        np.radians(angle[rows.target]) for angle in (sun.elevation_degrees, sun.azimuth_degrees)
    )
    features = np.column_stack(
        [
            np.where(bright, in_envelope / envelope, 0.7),
            indices,
            index.three_hours[rows.issue] * np.exp(-rows.lead / 4),
            _lead(rows),
            past.envelope / scale,
            sun.clear_sky_w_m2[rows.target] / 1000,
            np.sin(elevation),
            np.sin(azimuth),
            np.cos(azimuth),
        ]
    )
    return features, past.envelope / scale


def _lead(rows: Rows) -> Floats:
    lead = np.minimum(rows.lead, LONGEST_LEAD)
    return np.column_stack([lead / DAY, np.exp(-lead / 3)])


def _local_time(asset: AssetHours, rows: Rows) -> Floats:
    angle = 2 * np.pi * asset.clock.hour[rows.target] / DAY
    weekday = asset.clock.weekday[rows.target]
    return np.column_stack(
        [
            np.sin(angle),
            np.cos(angle),
            np.sin(2 * angle),
            np.cos(2 * angle),
            weekday >= 5,
            *(weekday == day for day in (0, 4, 5, 6)),
        ]
    )
