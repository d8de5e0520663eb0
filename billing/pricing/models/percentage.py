"""`percentage`: a share of each event's amount, event by event, in time order."""

from collections.abc import Iterable, Iterator
from decimal import Decimal

from billing.pricing.charges import Charge
from billing.pricing.models.parts import TierPart, correction, part
from billing.pricing.money import ZERO


def percentage(charge: Charge, amounts: tuple[Decimal, ...]) -> tuple[TierPart, ...]:
    """Each paying event costs paid * rate / 100 + fixed_fee, kept within minimum and maximum per event.

    A negative amount (a refund) follows the same rule: it pays a negative share, and takes the running amount
    down.
    """
    share = charge.rate.scaleb(-2)
    paid, cost, events = ZERO, ZERO, 0
    for amount in _paying(charge, _beyond(amounts, charge.included)):
        paid += amount
        cost += _kept(charge, amount * share + charge.fixed_fee)
        events += 1
    free = sum(amounts, ZERO) - paid
    rows = [part(free, ZERO, kind="included")] if free else []
    if events:
        row = part(paid, share, charge.fixed_fee * events, kind="percentage", rate=charge.rate)
        rows.append(row)
        if cost != row.amount:
            rows.append(correction("per_event", cost - row.amount))
    return tuple(rows)


def _beyond(amounts: Iterable[Decimal], included: Decimal) -> Iterator[Decimal]:
    """The amounts less the first `included` units, in time order; an event used up by them is gone."""
    for amount in amounts:
        free = max(ZERO, min(amount, included))
        if not included or amount != free:
            yield amount - free
        included -= free


def _paying(charge: Charge, amounts: Iterable[Decimal]) -> Iterator[Decimal]:
    """What each event pays on; events wholly inside the free allowance are left out."""
    before = ZERO
    for passed, amount in enumerate(amounts):
        is_free = _allowance_open(charge, passed, before)
        before += amount
        if not is_free:
            yield amount
        elif charge.included_amount is not None and before > charge.included_amount:
            yield before - charge.included_amount


def _allowance_open(charge: Charge, passed: int, before: Decimal) -> bool:
    """Whether an event may be free after `passed` events that amount to `before` (section 3)."""
    events, amount = charge.included_events, charge.included_amount
    if events is None and amount is None:
        return False
    return (events is None or passed < events) and (amount is None or before < amount)


def _kept(charge: Charge, cost: Decimal) -> Decimal:
    """The cost of one event within the charge's minimum and maximum per event."""
    if charge.minimum_per_event is not None:
        cost = max(cost, charge.minimum_per_event)
    return cost if charge.maximum_per_event is None else min(cost, charge.maximum_per_event)
