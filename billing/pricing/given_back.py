"""What a credit note by hand gives back of an invoice: parts of its lines, and the discounts and taxes that they bore.

Everything is reckoned from the invoice on, over all its credit notes together: so much of a rate's lines carry back the
same share of its discount, and on the net the tax, rounded once. A credit note is what has been given back with it less
what was given back before it. So roundings never add up, and the last one brings the invoice to exactly zero.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from billing.pricing.discounts import Rate
from billing.pricing.money import ZERO, exact, round_fraction, round_money


@dataclass(frozen=True, slots=True)
class ChargedLine:
    """A line of an invoice, and how much of its amount earlier credit notes gave back. Amounts in minor units."""

    key: Hashable
    amount: Decimal
    rate: Rate
    given: Decimal = ZERO

    @property
    def left(self) -> Decimal:
        """What may still be given back, with the sign of the line."""
        return self.amount - self.given


@dataclass(frozen=True, slots=True)
class RateBack:
    """What goes back of one category and rate: lines - discount = taxable, with its tax."""

    rate: Rate
    lines: Decimal
    discount: Decimal
    taxable: Decimal
    tax: Decimal

    @exact()
    def less(self, other: "RateBack") -> "RateBack":
        return RateBack(
            self.rate,
            self.lines - other.lines,
            self.discount - other.discount,
            self.taxable - other.taxable,
            self.tax - other.tax,
        )


@dataclass(frozen=True, slots=True)
class GivenBack:
    """A credit note. `lines` by key; `discounts` in the order of the invoice's coupons; rates that it touches."""

    lines: Mapping[Hashable, Decimal]
    discounts: tuple[Decimal, ...]
    rates: tuple[RateBack, ...]

    @property
    def subtotal(self) -> Decimal:
        return sum((each.lines for each in self.rates), ZERO)

    @property
    def tax_total(self) -> Decimal:
        return sum((each.tax for each in self.rates), ZERO)

    @property
    def total(self) -> Decimal:
        return sum((each.taxable + each.tax for each in self.rates), ZERO)


class GiveBackError(ValueError):
    """More than there is. `key` is the line at fault, None where it is the sum; `left` what could be given back."""

    def __init__(self, key: Hashable | None, left: Decimal) -> None:
        super().__init__(f"{key}: {left} is left")
        self.key, self.left = key, left


@exact()
def give_back(
    lines: Sequence[ChargedLine],
    discounts: Mapping[Rate, Decimal],
    coupons: Sequence[Decimal],
    wanted: Mapping[Hashable, Decimal] | None,
    currency: str,
) -> GivenBack:
    """A credit note over `wanted` of each line by its key (None: all that is left of every line).

    `discounts` is what coupons took off each rate, `coupons` what each of them took off. `GiveBackError` for more of a
    line than is left of it, more of a rate or of all than the invoice came to, and for nothing at all.
    """
    if wanted is None:
        wanted = {line.key: line.left for line in lines}
    wanted = {key: amount for key, amount in wanted.items() if amount}
    for key in wanted.keys() - {line.key for line in lines}:
        raise GiveBackError(key, ZERO)
    before = {line.key: line.given for line in lines}
    after = {line.key: line.given + _within(line, wanted.get(line.key, ZERO), currency) for line in lines}
    back_before, back = _state(lines, discounts, before, currency), _state(lines, discounts, after, currency)
    bound = _state(lines, discounts, {line.key: line.amount for line in lines}, currency)
    for rate, whole in bound.items():
        if not min(ZERO, whole.taxable) <= back[rate].taxable <= max(ZERO, whole.taxable):
            raise GiveBackError(None, whole.taxable - back_before[rate].taxable)
    if _sum(back_before) >= _sum(back) or _sum(back) > _sum(bound):
        raise GiveBackError(None, _sum(bound) - _sum(back_before))
    touched = {line.rate for line in lines if line.key in wanted}
    return GivenBack(
        lines=wanted,
        discounts=_of_coupons(coupons, back_before, back, bound, currency),
        rates=tuple(back[rate].less(back_before[rate]) for rate in bound if rate in touched),
    )


def _within(line: ChargedLine, amount: Decimal, currency: str) -> Decimal:
    """`amount`, if so much is left of the line."""
    if amount != round_money(amount, currency) or not min(ZERO, line.left) <= amount <= max(ZERO, line.left):
        raise GiveBackError(line.key, line.left)
    return amount


def _state(
    lines: Sequence[ChargedLine],
    discounts: Mapping[Rate, Decimal],
    given: Mapping[Hashable, Decimal],
    currency: str,
) -> dict[Rate, RateBack]:
    """By rate, in the order of the lines: what is given back once `given` of each line is."""
    found = {}
    for rate in dict.fromkeys(line.rate for line in lines):
        own = [line for line in lines if line.rate == rate]
        charged, back = sum((line.amount for line in own), ZERO), sum((given[line.key] for line in own), ZERO)
        discount, whole = discounts.get(rate, ZERO), all(given[line.key] == line.amount for line in own)
        if not whole:
            share = Fraction(back) / Fraction(charged) if charged else Fraction(0)
            discount = round_fraction(Fraction(discount) * share, currency)
        taxable = back - discount
        tax = round_money((taxable * rate[1]).scaleb(-2), currency)
        found[rate] = RateBack(rate, back, discount, taxable, tax)
    return found


def _sum(state: Mapping[Rate, RateBack]) -> Decimal:
    return sum((each.taxable + each.tax for each in state.values()), ZERO)


type _State = Mapping[Rate, RateBack]


def _of_coupons(
    coupons: Sequence[Decimal], before: _State, after: _State, bound: _State, currency: str
) -> tuple[Decimal, ...]:
    """Shares of what all coupons took off, by what each did; the last takes what rounding leaves."""
    whole, had, has = (
        sum((each.discount for each in state.values()), ZERO) for state in (bound, before, after)
    )
    earlier, now = _spread(coupons, had, whole, currency), _spread(coupons, has, whole, currency)
    return tuple(new - old for new, old in zip(now, earlier, strict=True))


def _spread(coupons: Sequence[Decimal], back: Decimal, whole: Decimal, currency: str) -> list[Decimal]:
    share = Fraction(back) / Fraction(whole) if whole else Fraction(0)
    upto = [round_fraction(Fraction(sum(coupons[:n], ZERO)) * share, currency) for n in range(len(coupons))]
    return [end - start for start, end in zip(upto, [*upto[1:], back], strict=True)] if coupons else []
