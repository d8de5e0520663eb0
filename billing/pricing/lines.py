"""`Line`: one row of what is owed, before it is stored on an invoice."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final, Literal

from billing.pricing.charges import Charge, Plan, localized
from billing.pricing.dates import utc
from billing.pricing.models.parts import TierPart
from billing.pricing.money import plain

LineKind = Literal["base", "usage", "minimum", "proration", "late_usage", "adjustment", "limit_waiver"]

EXACT_PLACES: Final = 12
"""Digits after the point of `exact_amount` (contract, section 3)."""


@dataclass(frozen=True, slots=True)
class Before:
    """Where a line goes on from: what the period had used and cost by its start, by the line's own prices.

    The line's rows add up to the price up to its end less `exact_amount`; its amount is that price, rounded, less
    `amount`.
    """

    quantity: Decimal
    amount: Decimal
    exact_amount: Decimal

    def as_data(self) -> dict[str, str]:
        return {
            "quantity": plain(self.quantity),
            "amount": f"{self.amount:f}",
            "exact_amount": plain(self.exact_amount),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What `[start, end)` costs by one charge (or, without one, by the plan).

    `amount` is whole minor units of the plan's currency and keeps their digits ("66.70"); `exact_amount` is
    the same before rounding, to 12 decimals. `before` is set where a usage line begins inside used tiers.
    `name` and `unit` are language -> text. `tax` is the tax code of charge or plan.
    """

    kind: LineKind
    charge: str | None
    meter: str | None
    name: Mapping[str, str] = field(hash=False)
    unit: Mapping[str, str] = field(hash=False)
    start: datetime
    end: datetime
    quantity: Decimal
    amount: Decimal
    exact_amount: Decimal
    tiers: tuple[TierPart, ...] = ()
    before: Before | None = None
    plan: str
    version: int
    tax: str | None = None

    def as_data(self, locale: str) -> dict[str, object]:
        """The line as the contract's section 8 shows it, texts in `locale`, instants in UTC, without `id`."""
        return {
            "kind": self.kind,
            "charge": self.charge,
            "meter": self.meter,
            "description": localized(self.name, locale),
            "period": {"start": utc(self.start), "end": utc(self.end)},
            "quantity": plain(self.quantity),
            "unit": localized(self.unit, locale),
            "amount": f"{self.amount:f}",
            "exact_amount": plain(self.exact_amount),
            "tiers": [row.as_data() for row in self.tiers],
            **({"before": self.before.as_data()} if self.before else {}),
        }


def charge_line(
    plan: Plan,
    charge: Charge,
    kind: LineKind,
    span: tuple[datetime, datetime],
    *,
    quantity: Decimal,
    amount: Decimal,
    exact_amount: Decimal,
    tiers: tuple[TierPart, ...] = (),
    before: Before | None = None,
) -> Line:
    """A line of `charge` with its names, and its tax or else its plan's."""
    return Line(
        kind=kind,
        charge=charge.code,
        meter=charge.meter,
        name=charge.name,
        unit=charge.unit,
        start=span[0],
        end=span[1],
        quantity=quantity,
        amount=amount,
        exact_amount=exact_amount,
        tiers=tiers,
        before=before,
        plan=plan.code,
        version=plan.version,
        tax=charge.tax or plan.tax,
    )
