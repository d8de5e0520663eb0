"""What reserved usage costs at its dearest: on which charges it is set aside, and what they come to with it.

What is set aside may be used or not, in any order and in part. So a charge is priced at the most that any of that can
come to; where that stays within a limit, the limit is kept whatever happens. Pure: no database.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import ROUND_CEILING, Decimal
from itertools import permutations
from typing import Final

from django.utils.translation import gettext as _

from billing.limits.errors import LimitError
from billing.pricing.charges import NO_USAGE, Charge, Usage
from billing.pricing.clamp import usage_by_meter
from billing.pricing.money import ZERO
from billing.pricing.price import price
from billing.pricing.rate import rate
from billing.pricing.spans import Span

MAX_EVENTS: Final = 100_000
"""Single events that a quantity on a percentage charge may stand for."""

_TRIED: Final = 4
"""Different events of which every order is tried, where a free allowance makes the order matter."""

type Aside = Mapping[str, tuple[Decimal, ...]]
"""Charge code -> the quantities that are set aside on it, one for each reservation."""


def joined_aside(one: Aside, other: Mapping[str, Decimal]) -> Aside:
    """With one more reservation."""
    return {**one, **{code: (*one.get(code, ()), quantity) for code, quantity in other.items()}}


def set_aside(  # noqa: PLR0917
    spans: Sequence[Span],
    place: int,
    aside: Aside,
    meter: str,
    quantity: Decimal,
    dimensions: Mapping[str, str],
    counted_too: Iterable[str] = (),
) -> dict[str, Decimal]:
    """The charges that `quantity` of `meter` is set aside on: where `dimensions` leave it open, the dearest one.

    `counted_too`: the meters that count the same event, which is one more on each of theirs. No charge: it is free.
    """
    found = dict[str, Decimal]()
    for code, more in ((meter, quantity), *((other, Decimal(1)) for other in counted_too)):
        charge = _dearest_charge(spans, place, aside, code, more, dimensions)
        if charge is not None:
            check_events(charge, more)
            found[charge.code] = more
    return found


def with_aside(spans: Sequence[Span], place: int, aside: Aside) -> Sequence[Span]:
    """The spans as if what is set aside were used in the one at `place`, each charge at its dearest."""
    if not aside:
        return spans
    span = spans[place]
    upto = dict(span.upto)
    for charge in span.plan.charges:
        if quantities := aside.get(charge.code):
            upto[charge.code] = _dearest_usage(charge, upto.get(charge.code, NO_USAGE), quantities)
    return [*spans[:place], replace(span, upto=upto), *spans[place + 1 :]]


def may_match(charge: Charge, dimensions: Mapping[str, str | None]) -> bool:
    """Whether no given dimension contradicts the charge's filter."""
    return all(dimensions[key] in values for key, values in charge.where.items() if key in dimensions)


def has_free_part(charge: Charge) -> bool:
    """Whether a percentage charge has an allowance, so that the order of events decides what each costs."""
    return charge.model == "percentage" and bool(
        charge.included or charge.included_events is not None or charge.included_amount is not None
    )


def check_events(charge: Charge, quantity: Decimal) -> None:
    """Raises `LimitError` where the quantity stands for more single events than can be priced."""
    if charge.model == "percentage" and charge.aggregation == "count" and quantity > MAX_EVENTS:
        raise LimitError("too_large", "quantity", _("Ask for at most %s events at once.") % f"{MAX_EVENTS:,}")


def _dearest_charge(  # noqa: PLR0917
    spans: Sequence[Span],
    place: int,
    aside: Aside,
    meter: str,
    quantity: Decimal,
    dimensions: Mapping[str, str],
) -> Charge | None:
    charges = spans[place].plan.charges if spans else ()
    fitting = [one for one in charges if one.meter == meter and may_match(one, dimensions)]
    if len(fitting) <= 1:
        return fitting[0] if fitting else None
    for one in fitting:
        check_events(one, quantity)

    def cost(charge: Charge) -> Decimal:
        grown = with_aside(spans, place, joined_aside(aside, {charge.code: quantity}))
        return usage_by_meter(rate(grown)).get(meter, ZERO)

    return max(fitting, key=cost)


def _dearest_usage(charge: Charge, usage: Usage, quantities: Sequence[Decimal]) -> Usage:
    return max(_outcomes(charge, usage, quantities), key=lambda found: price(charge, found).exact)


def _outcomes(charge: Charge, usage: Usage, quantities: Sequence[Decimal]) -> Iterator[Usage]:
    """The outcomes of which one is the dearest of all."""
    if charge.model == "percentage":
        for amounts in _orders(charge, usage.amounts, _events(charge, quantities)):
            yield Usage(usage.quantity, (*usage.amounts, *amounts))
        return
    low, high = usage.quantity, usage.quantity + sum(quantities, ZERO)
    if charge.aggregation in {"max", "latest"}:
        high = max(usage.quantity, *quantities)
        low = min(low, ZERO) if charge.aggregation == "latest" else low
    yield Usage(high)
    if (
        charge.model == "volume"
    ):  # the only price that may fall while usage grows: it is dearest at the end of a tier
        yield Usage(low)
        ends = [charge.included + tier.up_to for tier in charge.tiers if tier.up_to is not None]
        yield from (Usage(end) for end in ends if low < end < high)


def _events(charge: Charge, quantities: Sequence[Decimal]) -> tuple[Decimal, ...]:
    """The single events that a percentage charge prices: one for each of a count, else one of each quantity."""
    if charge.aggregation != "count":
        return tuple(quantities)
    count = sum(int(quantity.to_integral_value(ROUND_CEILING)) for quantity in quantities)
    return (Decimal(1),) * count


def _orders(
    charge: Charge, before: Sequence[Decimal], amounts: tuple[Decimal, ...]
) -> Iterator[tuple[Decimal, ...]]:
    """Orders of which one is the dearest: who comes while the allowance is open is free, who comes after it pays.

    Where there are too many to try, what is left of the allowance is taken for used up by nobody, and of the events
    that are free by their number the smallest are. That is never less than what it comes to.
    """
    if not has_free_part(charge) or len(set(amounts)) == 1:
        yield amounts
    elif len(amounts) <= _TRIED:
        yield from permutations(amounts)
    else:
        yield (*_left_over(charge, before), *sorted(amounts))


def _left_over(charge: Charge, before: Sequence[Decimal]) -> Iterator[Decimal]:
    """Events that cost nothing and use up what is free by amount."""
    left, passed, running = charge.included, 0, ZERO
    for amount in before:
        free = max(ZERO, min(amount, left))
        left -= free
        if not charge.included or amount != free:
            passed, running = passed + 1, running + amount - free
    if left:
        yield left
    opened = charge.included_events is None or passed < charge.included_events
    if charge.included_amount is not None and opened and running < charge.included_amount:
        yield charge.included_amount - running
