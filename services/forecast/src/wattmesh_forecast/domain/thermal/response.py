"""How a zone's air answers to what acts on it: exact steps of the linear RC model.

The model is that of the site model (`ZoneThermalModel`), in rates per hour instead of resistances
and capacities:

    dT/dt  = leak (T_out - T) + exchange (T_mass - T) + q,     q = Q / C_air  [K/h]
    dT_m/dt = mass (T - T_mass)

with leak = 1/(R C_air), exchange = 1/(R_m C_air), mass = 1/(R_m C_mass). A first-order model has no
exchange. All that acts on it beside the outdoor temperature acts linearly, which is what
identification makes use of.
"""

from dataclasses import dataclass

import numpy as np

from wattmesh_forecast.domain.thermal.record import Floats


@dataclass(frozen=True, kw_only=True, slots=True)
class Rates:
    """Rates of a zone [1/h]; `exchange` and `mass` are 0 for a model of first order."""

    leak: float
    exchange: float = 0.0
    mass: float = 0.0

    @property
    def order(self) -> int:
        """1 or 2."""
        return 2 if self.exchange > 0 else 1


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """`x' = a x + b_outdoor T_out + b_heat q` over one interval; x = (T, T_mass), q in K/h."""

    a: Floats
    b_outdoor: Floats
    b_heat: Floats


def step_of(rates: Rates, hours: float) -> Step:
    """Return the step over `hours` for inputs that are constant over it.

    First order with leak 0.1/h over 1 h: a = exp(-0.1) = 0.905; 1 K/h of heat warms by 0.952 K.
    """
    if rates.order == 1:
        a = float(np.exp(-rates.leak * hours))
        heat = (1.0 - a) / rates.leak
        return Step(
            np.array([[a, 0.0], [0.0, 0.0]]), np.array([1.0 - a, 0.0]), np.array([heat, 0.0])
        )
    rate = np.array(
        [[-(rates.leak + rates.exchange), rates.exchange], [rates.mass, -rates.mass]],
    )
    values, vectors = np.linalg.eig(rate)
    a = np.real(vectors @ np.diag(np.exp(values * hours)) @ np.linalg.inv(vectors))
    inputs = np.array([[rates.leak, 1.0], [0.0, 0.0]])
    effect = np.linalg.solve(rate, (a - np.eye(2)) @ inputs)
    return Step(a, effect[:, 0], effect[:, 1])


def answer(step: Step, b: Floats, inputs: Floats) -> tuple[Floats, Floats]:
    """Return the air temperature that inputs cause from rest, and what both nodes have at the end.

    `inputs` is (..., count), one number an interval; `b` (2,) is how an input acts. The air's
    course has the shape of `inputs`, the end (..., 2).
    """
    air = np.zeros(inputs.shape[:-1])
    mass = np.zeros(inputs.shape[:-1])
    found = np.empty(inputs.shape)
    (a11, a12), (a21, a22) = step.a.tolist()
    b1, b2 = b.tolist()
    for index in range(inputs.shape[-1]):
        now = inputs[..., index]
        air, mass = a11 * air + a12 * mass + b1 * now, a21 * air + a22 * mass + b2 * now
        found[..., index] = air
    return found, np.stack([air, mass], axis=-1)


def free(step: Step, count: int) -> tuple[Floats, Floats]:
    """Return what a kelvin of the air, and of the mass, at the start leaves: (2, n), and (2, 2).

    The first is its course in the air; the second what both nodes (columns) have of it at the end.
    """
    found = np.empty((2, count))
    power = np.eye(2)
    for index in range(count):
        power = step.a @ power
        found[:, index] = power[0]
    return found, power.T
