"""Amounts of money: decimals with a currency, never floats."""

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from wattmesh_kernel.errors import InvalidArgument

_CURRENCY = re.compile(r"[A-Z]{3}")


def check_currency_code(code: str) -> None:
    """Raise InvalidArgument unless `code` looks like ISO 4217: three capital letters."""
    if not _CURRENCY.fullmatch(code):
        raise InvalidArgument(
            "INVALID_CURRENCY", f"{code!r} is no ISO 4217 code", field="currency_code"
        )


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount; positive is owed, negative is credited.

    `currency_code` is ISO 4217 ("EUR"). Error: InvalidArgument for another code or an amount
    that is not finite.
    """

    amount: Decimal
    currency_code: str

    def __post_init__(self) -> None:
        check_currency_code(self.currency_code)
        if not self.amount.is_finite():
            raise InvalidArgument("INVALID_AMOUNT", f"{self.amount} is not finite", field="amount")

    def __add__(self, other: "Money") -> "Money":
        self._check_currency(other)
        return Money(self.amount + other.amount, self.currency_code)

    def __sub__(self, other: "Money") -> "Money":
        self._check_currency(other)
        return Money(self.amount - other.amount, self.currency_code)

    def __neg__(self) -> "Money":
        return Money(-self.amount, self.currency_code)

    def rounded(self, places: int = 2) -> "Money":
        """Return the amount rounded to `places` decimals, half away from zero: 0.125 → 0.13."""
        step = Decimal(1).scaleb(-places)
        return Money(self.amount.quantize(step, ROUND_HALF_UP), self.currency_code)

    def __str__(self) -> str:
        return f"{self.amount} {self.currency_code}"

    def _check_currency(self, other: "Money") -> None:
        if self.currency_code != other.currency_code:
            raise InvalidArgument(
                "CURRENCY_MISMATCH",
                f"{self.currency_code} and {other.currency_code} do not add up",
                field="currency_code",
            )
