"""What the model of solar plants is told of each hour: nothing that was not known then."""

import numpy as np

from wattmesh_forecast.domain.hours import Batch, Floats, Rows
from wattmesh_forecast.domain.kinds import PATTERNS, Kind
from wattmesh_forecast.domain.lags import DAY
from wattmesh_forecast.domain.model_input import Float32s, ModelInput
from wattmesh_forecast.domain.pv_patterns import SolarPast, past_indices, sun_of
from wattmesh_forecast.domain.trial import Asked, ask_patterns, blend_weights

LONGEST_LEAD = 26.0
"""Leads beyond this look alike to the models, which are trained up to it [h]."""


def pv_input(batch: Batch, rows: Rows, asked: Asked | None = None) -> ModelInput:
    """Return what the model of solar plants is told about `rows` of every asset, asset by asset.

    Tensors of n rows: `features` (n, f) describe the situation. `patterns` (n, p) are the past's
    patterns over the scale, `weights` (n, p) their share in the seasonal forecast. `reach` (n, 1)
    bounds what the model may add, over the scale; 0 where the answer is 0. `asked` is what the
    patterns said, where they were asked already.
    """
    patterns_w, trial = asked or ask_patterns(Kind.PV, batch, rows)
    scale = PATTERNS[Kind.PV].scale_w(batch, rows.issues)[:, rows.issue]
    features, reach = _pv_features(batch, rows, patterns_w, scale)
    tensors = {
        "features": np.clip(features, -20, 20),
        "patterns": patterns_w / scale[..., None],
        "weights": blend_weights(trial, rows.issues)[:, rows.issue],
        "reach": reach[..., None],
    }
    return ModelInput(
        tensors={name: _flat(values) for name, values in tensors.items()},
        scale_w=scale.ravel(),
        open=reach.ravel() > 0,
    )


def _flat(values: Floats) -> Float32s:
    """Return (assets, n, f) as rows (assets * n, f)."""
    return values.reshape(-1, values.shape[-1]).astype(np.float32)


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
