"""How a line's amount came about: rows of quantity × price = exact, from the tiers that pricing wrote down."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from billing.invoices.paper.figures import Figures
from billing.pricing.money import exact, plain

MILLION: Final = Decimal(1_000_000)
SMALL: Final = Decimal("0.01")
"""A price of a unit below this is told for a million of them."""

type Tier = Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the working; None where it has no such figure. `price` is for `Basis.count` units."""

    label: str
    quantity: Decimal | None
    price: Decimal | None
    exact: Decimal


@dataclass(frozen=True, slots=True)
class Working:
    """The rows, and what a price is for: 1 unit, 100 (percent) or a million. One plain row needs no table."""

    rows: tuple[Row, ...]
    per: int
    single: bool


@exact()
def working(tiers: Sequence[Tier], detail: Mapping[str, Any], figures: Figures) -> Working:
    """The working of a usage line; no rows where it has none."""
    prices = [Decimal(tier["unit_price"] or 0) for tier in tiers if tier.get("rate") is None]
    small = any(price and abs(price) < SMALL for price in prices)
    per = 1_000_000 if small else 1
    rows = tuple(row for tier in tiers for row in _rows(tier, detail, figures, per))
    single = len(rows) == 1 and rows[0].quantity is not None and tiers[0]["kind"] in ("tier", "package")
    return Working(rows, per, single and (tiers[0]["kind"] == "package" or not detail.get("bounds")))


def _rows(tier: Tier, detail: Mapping[str, Any], figures: Figures, per: int) -> Iterator[Row]:
    quantity, flat = Decimal(tier["quantity"] or 0), Decimal(tier["flat_price"] or 0)
    price, kind, rate = Decimal(tier["unit_price"] or 0), tier["kind"], tier.get("rate")
    if kind in ("per_event", "maximum", "floor", "fall"):
        yield Row(_correction(kind), None, None, flat)
        return
    if quantity or not flat:
        shown = Decimal(rate) if rate is not None else price * per
        label = _label(tier, detail, figures)
        yield Row(
            _("%(label)s, price per 100") % {"label": label} if rate else label,
            quantity,
            shown,
            quantity * price,
        )
    if flat:
        label = _("fixed prices of the events") if kind == "percentage" else _("fixed price of this tier")
        yield Row(label, Decimal(1).copy_sign(flat), abs(flat), flat)


def _correction(kind: str) -> str:
    if kind == "per_event":
        return _("least and most of single events")
    return _("above the most that is charged") if kind == "maximum" else _("never below zero")


def _label(tier: Tier, detail: Mapping[str, Any], figures: Figures) -> str:
    if tier["kind"] == "included":
        return pgettext("units", "included")
    if tier["kind"] == "percentage":
        return _("paid amount")
    bounds: list[str | None] = list(detail.get("bounds") or [])
    if tier["up_to"] not in bounds:
        return _("beyond what is included")
    place = bounds.index(tier["up_to"])
    below = Decimal(bounds[place - 1] or 0) if place else None
    top = tier["up_to"]
    if top is None:
        return (
            pgettext("units", "above %(bound)s") % {"bound": figures.number(below)}
            if below is not None
            else _("all units")
        )
    if below is None:
        return pgettext("units", "first %(bound)s") % {"bound": figures.number(Decimal(top))}
    return pgettext("units", "%(first)s to %(last)s") % {
        "first": _after(below, figures),
        "last": figures.number(Decimal(top)),
    }


def _after(bound: Decimal, figures: Figures) -> str:
    """The unit after a bound, where units are whole."""
    return figures.number(bound + 1 if plain(bound).isdigit() else bound)
