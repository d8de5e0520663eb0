"""From rounded lines to the amount due, in the contract's order (section 5).

`subtotal` = Σ lines → coupons, oldest first → tax per (category, rate) on the discounted net, rounded once
per rate (EN 16931, BR-CO-14 and BG-23) → `total` → credits applied → `amount_due`. Tax is never summed over
lines.

A negative `total` is a result, not an error: the caller issues it as a credit note (`is_credit_note`).
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from billing.pricing.discounts import Coupon, Discount, Left, Rate, Share, take_off
from billing.pricing.money import ZERO, exact, round_money
from billing.pricing.taxes import Tax


@dataclass(frozen=True, slots=True)
class TaxedLine:
    """A rounded line, its tax, and the service period that coupons look at; None: no coupon covers it.

    `change`: it changes a base price that an earlier document charged (a `proration` line).
    """

    amount: Decimal
    tax: Tax
    period: Hashable = None
    change: bool = False


@dataclass(frozen=True, slots=True)
class TaxAmount:
    """The tax of one category and rate: `amount` = `taxable` × `rate` percent, rounded once.

    `code` and `name` are of the first line that bears it; `discount` is what coupons took off its lines.
    """

    code: str
    name: str
    rate: Decimal
    category: str
    discount: Decimal
    taxable: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Totals:
    """The foot of an invoice, all in minor units.

    `coupons`: what each coupon found and took off, those that found or gave nothing included.
    """

    subtotal: Decimal
    coupons: tuple[Discount, ...]
    taxes: tuple[TaxAmount, ...]
    tax_total: Decimal
    total: Decimal
    credits_applied: Decimal
    amount_due: Decimal

    @property
    def discounts(self) -> tuple[Discount, ...]:
        """What coupons took off, one row each; those that took nothing off are left out."""
        return tuple(each for each in self.coupons if each.amount)

    @property
    def discount_total(self) -> Decimal:
        """What all coupons took off: subtotal - discount_total + tax_total = total."""
        return sum((each.amount for each in self.coupons), ZERO)

    @property
    def is_credit_note(self) -> bool:
        """Whether the sum is owed to the customer."""
        return self.total < 0


@exact()
def totals(lines: Sequence[TaxedLine], coupons: Sequence[Coupon], credit: Decimal, currency: str) -> Totals:
    """The foot of an invoice of `lines`. `coupons` oldest first; `credit` is what the account has left.

    Taxes come in the order in which lines first bear them. ValueError for a line that is not in whole minor
    units, or for negative `credit`.
    """
    if credit < 0:
        raise ValueError(f"a credit of {credit} cannot be applied")
    left: Left = {}
    for line in lines:
        if line.amount != round_money(line.amount, currency):
            raise ValueError(f"{line.amount} is not in whole minor units of {currency}")
        share = Share(line.period, (line.tax.category, line.tax.rate), line.change)
        left[share] = left.get(share, ZERO) + line.amount
    discounts, net = _discount(left, coupons, currency)
    taxes = _taxes(lines, left, net, currency)
    subtotal = round_money(sum(left.values(), ZERO), currency)
    tax_total = round_money(sum((tax.amount for tax in taxes), ZERO), currency)
    total = sum(net.values(), ZERO) + tax_total
    applied = round_money(min(credit, max(total, ZERO)), currency)
    return Totals(subtotal, discounts, taxes, tax_total, total, applied, total - applied)


def _discount(left: Left, coupons: Sequence[Coupon], currency: str) -> tuple[tuple[Discount, ...], Left]:
    """What coupons take off, and the net after them. Lines without a period are set aside."""
    lines = {share: amount for share, amount in left.items() if share.period is not None}
    discounts, net = [], lines
    for coupon in coupons:
        discount, net = take_off(coupon, lines, net, currency)
        discounts.append(discount)
    return tuple(discounts), {**left, **net}


def _taxes(lines: Sequence[TaxedLine], left: Left, net: Left, currency: str) -> tuple[TaxAmount, ...]:
    first: dict[Rate, Tax] = {}
    for line in lines:
        first.setdefault((line.tax.category, line.tax.rate), line.tax)
    taxes = []
    for rate, tax in first.items():
        shares = [share for share in left if share.rate == rate]
        taxable = round_money(sum((net[share] for share in shares), ZERO), currency)
        discount = sum((left[share] for share in shares), ZERO) - taxable
        amount = round_money((taxable * tax.rate).scaleb(-2), currency)
        taxes.append(TaxAmount(tax.code, tax.name, tax.rate, tax.category, discount, taxable, amount))
    return tuple(taxes)
