"""Fits a zone's model: rates by search, all else by least squares; with what is still unsure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np

from wattmesh_forecast.domain.thermal.influences import (
    PRIOR_HEAT_K_PER_KWH,
    PRIOR_K_PER_H,
    PRIOR_SLOPE_RATIO,
    Influence,
)
from wattmesh_forecast.domain.thermal.record import Floats
from wattmesh_forecast.domain.thermal.response import Rates
from wattmesh_forecast.domain.thermal.windows import Linear, Windows, linear

RATE_PRIORS = {
    "leak": (1.0 / 40.0, 1.2),
    "exchange": (0.3, 1.0),
    "mass": (0.05, 1.0),
}
"""Rates before anything was seen [1/h]: the middle, and the spread of its logarithm."""
_GRID = {"leak": (-1.2, 0.0, 1.2), "exchange": (-1.0, 0.0, 1.0), "mass": (-1.0, 0.0, 1.0)}
_NOISE_K = 0.15
_INDEPENDENT_RATIO = 0.1
"""What a temperature tells beside its neighbours, whose errors are nearly the same."""
_STEP = 0.02
_BLOCK_ROWS = 48
_ROUNDS, _GOOD_ENOUGH = 25, 1e-4
Prior = Mapping[Influence, tuple[float, float]]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Fit:
    """A fitted model: rates [1/h], the factor of every influence, and how unsure both are.

    `log_std` is the standard deviation of the logarithm of each rate; `factor_std` that of each
    factor, in its unit; `noise_k` the error of a day's free run [K]; `badness` falls with how well
    it fits, and can be held against that of another order on the same windows.
    """

    rates: Rates
    factors: Mapping[Influence, float]
    log_std: Mapping[str, float]
    factor_std: Mapping[Influence, float]
    noise_k: float
    badness: float


def fit(windows: Windows, order: int, start: Rates | None = None) -> Fit:
    """Return the model of an order (1 or 2) that fits best; `start` spares the search."""
    names = ("leak",) if order == 1 else ("leak", "exchange", "mass")
    problem = _Problem(windows, names)
    best = problem.of_rates(start) if start is not None else problem.coarse()
    return problem.fitted(problem.descended(best))


class _Problem:
    """The rates' part of the problem, in logarithms relative to their priors' middles."""

    def __init__(self, windows: Windows, names: tuple[str, ...]) -> None:
        self._windows = windows
        self._names = names
        self._noise_k = _NOISE_K
        self._prior = _prior(windows, PRIOR_HEAT_K_PER_KWH[0])

    def of_rates(self, rates: Rates) -> Floats:
        middles = [RATE_PRIORS[name][0] for name in self._names]
        return np.log([getattr(rates, name) for name in self._names]) - np.log(middles)

    def coarse(self) -> Floats:
        """Return the best of a few rates that zones have."""
        points = [np.array(each) for each in product(*(_GRID[name] for name in self._names))]
        return min(points, key=lambda each: float(np.sum(self._errors(each) ** 2)))

    def descended(self, at: Floats) -> Floats:
        """Return the rates that fit best from a start on: Levenberg and Marquardt."""
        damping = 0.1
        errors = self._errors(at)
        for _ in range(_ROUNDS):
            slopes = np.stack(
                [(self._errors(at + move) - errors) / _STEP for move in self._moves()], axis=1
            )
            square = slopes.T @ slopes
            step = -np.linalg.solve(
                square + damping * np.diag(np.diag(square) + 1e-9), slopes.T @ errors
            )
            moved = at + np.clip(step, -1.0, 1.0)
            tried = self._errors(moved)
            gain = float(np.sum(errors**2) - np.sum(tried**2))
            if gain <= 0:
                damping *= 5.0
                if damping > 1e6:
                    break
                continue
            at, errors, damping = moved, tried, damping * 0.3
            if gain < _GOOD_ENOUGH * float(np.sum(errors**2)):
                break
        return at

    def fitted(self, at: Floats) -> Fit:
        """Return the fit at rates, with what is still unsure (Laplace's approximation)."""
        rates = self._rates(at)
        found = linear(self._windows, rates, self._prior)
        solution = _solved(found, self._scale)
        noise_k = _noise_k(found, solution, self._windows)
        count = len(self._names)
        bent = [
            (self._run(at + move, solution) - self._run(at, solution)) / _STEP
            for move in self._moves()
        ]
        jacobian = np.concatenate([np.stack(bent, axis=1), found.x], axis=1)
        scale = _INDEPENDENT_RATIO / noise_k**2
        spread = np.array([RATE_PRIORS[name][1] for name in self._names])
        known = scale * jacobian.T @ jacobian
        known[count:, count:] += found.held.T @ found.held
        known[:count, :count] += np.diag(1.0 / spread**2)
        std = np.sqrt(np.diag(np.linalg.inv(known)))
        return Fit(
            rates=rates,
            factors=dict(zip(found.names, solution.tolist(), strict=False)),
            log_std=dict(zip(self._names, std.tolist(), strict=False)),
            factor_std=dict(zip(found.names, std[count:].tolist(), strict=False)),
            noise_k=noise_k,
            badness=float(np.sum(self._errors(at) ** 2)) + count,
        )

    @property
    def _scale(self) -> float:
        return _INDEPENDENT_RATIO / self._noise_k**2

    def _errors(self, at: Floats) -> Floats:
        """Return what shall become small: weighted errors, and how far all is from the priors."""
        found = linear(self._windows, self._rates(at), self._prior)
        solution = _solved(found, self._scale)
        spread = np.array([RATE_PRIORS[name][1] for name in self._names])
        return np.concatenate(
            [
                np.sqrt(self._scale) * (found.y - found.x @ solution),
                found.held @ solution - found.held_to,
                at / spread,
            ]
        )

    def _run(self, at: Floats, solution: Floats) -> Floats:
        found = linear(self._windows, self._rates(at), self._prior)
        return found.x @ solution - found.y

    def _rates(self, at: Floats) -> Rates:
        bounded = np.clip(at, -4.0, 4.0)
        return Rates(
            **{
                name: float(RATE_PRIORS[name][0] * np.exp(value))
                for name, value in zip(self._names, bounded, strict=True)
            }
        )

    def _moves(self) -> Iterator[Floats]:
        for index in range(len(self._names)):
            move = np.zeros(len(self._names))
            move[index] = _STEP
            yield move


def _prior(windows: Windows, heat_k_per_kwh: float) -> Prior:
    """Return middle and spread of every factor before anything was seen."""
    spread = heat_k_per_kwh * 3.0
    found: dict[Influence, tuple[float, float]] = {}
    for name in windows.inputs:
        if name in (Influence.HEATING, Influence.COOLING):
            found[name] = (heat_k_per_kwh, spread)
        elif name in (Influence.HEATING_SLOPE, Influence.COOLING_SLOPE):
            found[name] = (0.0, PRIOR_SLOPE_RATIO * heat_k_per_kwh)
        else:
            found[name] = (0.0, PRIOR_K_PER_H[name])
    return found


def _solved(found: Linear, scale: float) -> Floats:
    """Return the factors that fit best, held by their priors, shape (m,)."""
    known, seen = _products(found)
    square = scale * known + found.held.T @ found.held
    return np.asarray(np.linalg.solve(square, scale * seen + found.held.T @ found.held_to))


def _products(found: Linear) -> tuple[Floats, Floats]:
    """Return `x' x` (m, m) and `x' y` (m,), in blocks of rows.

    Larger products BLAS shares among threads, which wait for each other for longer than they work.
    """
    both = np.column_stack([found.x, found.y])
    whole = len(both) // _BLOCK_ROWS * _BLOCK_ROWS
    blocks = both[:whole].reshape(-1, _BLOCK_ROWS, both.shape[1])
    product = np.matmul(blocks.transpose(0, 2, 1), blocks).sum(axis=0)
    product += both[whole:].T @ both[whole:]
    return product[:-1, :-1], product[:-1, -1]


def _noise_k(found: Linear, solution: Floats, windows: Windows) -> float:
    errors = found.y - found.x @ solution
    weight = float(np.sum(windows.measured * windows.weight[:, None]))
    return max(float(np.sqrt(np.sum(errors**2) / max(weight, 1.0))), 0.02)
