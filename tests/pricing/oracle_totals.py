"""An independent checker of an invoice's foot: the contract's section 5 in Fractions, sharing no code with the product.

All lines that coupons cover are of one service period, and none is negative: taking discounts back is told by hand in
test_discounts.py.
"""

from fractions import Fraction
from math import floor

from tests.pricing.oracle import half_up


def shared_out(amount, weights, unit):
    """By largest remainder: rounded down; the units left go to the largest remainders, of equal ones to the first."""
    whole = sum(weights)
    ideal = [amount * weight / whole / unit for weight in weights]
    parts = [floor(part) for part in ideal]
    for place in sorted(range(len(ideal)), key=lambda n: (parts[n] - ideal[n], n))[
        : int(amount / unit) - sum(parts)
    ]:
        parts[place] += 1
    return [part * unit for part in parts]


def foot(lines, coupons, credit, digits):
    """{"subtotal", "discounts", "taxes", "total", "credits", "due"} of [(amount, tax rate, covered)] and coupons.

    A coupon is ("percent" or "amount", value), oldest first. `taxes` is [(rate, taxable, amount)], as lines bear them.
    """
    unit = Fraction(1, 10**digits)
    rates = list(dict.fromkeys(rate for _, rate, _ in lines))
    net = {rate: sum((amount for amount, own, _ in lines if own == rate), Fraction(0)) for rate in rates}
    open_ = dict.fromkeys((rate for _, rate, covered in lines if covered), Fraction(0))
    for amount, rate, covered in lines:
        if covered:
            open_[rate] += amount
    discounts = []
    for kind, value in coupons:
        left = sum(open_.values(), Fraction(0))
        taken = (
            half_up(left * value / 100, digits) if kind == "percent" else min(half_up(value, digits), left)
        )
        discounts.append(taken)
        if taken:
            for rate, part in zip(open_, shared_out(taken, list(open_.values()), unit), strict=True):
                open_[rate] -= part
                net[rate] -= part
    taxes = [(rate, net[rate], half_up(net[rate] * rate / 100, digits)) for rate in rates]
    total = sum(net.values(), Fraction(0)) + sum((amount for *_, amount in taxes), Fraction(0))
    credits_ = min(credit, max(total, Fraction(0)))
    return {
        "subtotal": sum((amount for amount, *_ in lines), Fraction(0)),
        "discounts": [taken for taken in discounts if taken],
        "taxes": taxes,
        "total": total,
        "credits": credits_,
        "due": total - credits_,
    }
