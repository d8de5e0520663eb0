"""A line in the terms of EN 16931: quantity × price where it has one price, else 1 × its amount."""

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Final

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from billing.invoices.einvoice.terms import Item, Measure, Rate, Span
from billing.invoices.models import InvoiceLine
from billing.invoices.paper.units import plural
from billing.pricing.money import money_string, plain, round_fraction, round_places

ONE: Final = "C62"
DAY: Final = "DAY"
PACKAGE: Final = "XPK"
INTERVALS: Final = {"week": "WEE", "month": "MON", "quarter": "QAN", "year": "ANN"}
"""UN/ECE Recommendation 20, with packages of Recommendation 21."""

MOST_DECIMALS: Final = 4
MOST_CHARACTERS: Final = 19
"""Of a quantity, in the French rules (BR-FR-DEC-02). A price of more decimals is told for a thousand units or more."""


def item_of(line: InvoiceLine, currency: str, rate: Rate, span: Span) -> Item:
    """The terms of `line`; ask for it with the document's language in force."""
    measure = one_price(line, currency)
    return Item(
        position=str(line.position),
        name=line.description,
        seller_id=line.charge,
        measure=measure or Measure("-1" if line.amount < 0 else "1", ONE, plain(abs(line.amount)), "1"),
        amount=money_string(line.amount, currency),
        rate=rate,
        span=span,
        attributes=tuple(_attributes(line, measure)),
    )


def one_price(line: InvoiceLine, currency: str) -> Measure | None:
    """The single price that makes the line's amount, also of a quantity that had to be rounded; None if none does."""
    found = _of_usage(line) if line.kind == "usage" else _of_days(line)
    if found is None:
        return None
    exact_quantity, unit, price, per = found
    quantity = round_places(exact_quantity, MOST_DECIMALS)
    told = round_fraction(Fraction(quantity) * Fraction(price) / per, currency)
    if told != line.amount or len(plain(quantity)) > MOST_CHARACTERS:
        return None
    while -_exponent(price) > MOST_DECIMALS:
        price, per = price.scaleb(3), per * 1000
    return Measure(plain(quantity), unit, plain(price), str(per))


type _Found = tuple[Decimal, str, Decimal, int]


def _of_usage(line: InvoiceLine) -> _Found | None:
    """The only row of the working; packages are counted as such."""
    if len(line.tiers) != 1:
        return None
    row = line.tiers[0]
    plainly = row["kind"] in ("tier", "package") and row.get("rate") is None
    if not plainly or Decimal(row["flat_price"] or 0) or row["unit_price"] is None:
        return None
    unit = PACKAGE if row["kind"] == "package" else line.detail.get("unit_code", ONE)
    return Decimal(row["quantity"]), unit, Decimal(row["unit_price"]), 1


def _of_days(line: InvoiceLine) -> _Found | None:
    """The base price of a whole period, or of days of it."""
    detail = line.detail
    if line.kind not in ("base", "proration") or "price" not in detail:
        return None
    price, days, full = abs(Decimal(detail["price"])), int(detail["days"]), int(detail["full_days"])
    sign = -1 if line.amount < 0 else 1
    if days == full and detail.get("interval") in INTERVALS:
        return Decimal(sign), INTERVALS[detail["interval"]], price, 1
    return Decimal(sign * days), DAY, price, full


def _exponent(value: Decimal) -> int:
    exponent = value.normalize().as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0


def _attributes(line: InvoiceLine, measure: Measure | None) -> Iterator[tuple[str, str]]:
    """BG-32: what was metered where quantity × price does not say it, and the amount before rounding."""
    used = line.quantity if line.kind == "usage" else None
    if used is not None and (measure is None or Decimal(measure.quantity) != used):
        unit = plural(line.unit, used, (get_language() or "")[:2])
        yield _("Metered quantity"), f"{plain(used)} {unit}".rstrip()
    if "package_size" in line.detail:
        yield _("Package size"), line.detail["package_size"]
    if line.exact_amount != line.amount:
        yield _("Exact amount"), plain(line.exact_amount)
