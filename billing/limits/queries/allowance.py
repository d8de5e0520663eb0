"""The answer that a product asks for before it serves a request: may usage go on, and how much is left."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_CEILING, Decimal
from typing import Final

from django.utils.translation import gettext as _

from accounts.models import Account
from billing.limits.errors import LimitError
from billing.limits.models import LimitVersion
from billing.limits.queries.clamping import joined, spent_on, total, usage_by_meter, usage_so_far
from billing.limits.queries.versions import current_limits
from billing.limits.queries.window import running_period
from billing.plans.models import Meter
from billing.pricing.charges import NO_USAGE, Charge, Usage
from billing.pricing.money import ZERO, exact
from billing.pricing.rate import rate
from billing.pricing.spans import Span
from billing.usage.rating import rate_period

ACCOUNT_LIMIT_REACHED: Final = "account_limit_reached"
METER_LIMIT_REACHED: Final = "meter_limit_reached"
MAX_EVENTS: Final = 100_000
"""Single events that a question about a percentage charge may stand for."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """`limit`, `spent` and `remaining` are those of the limit that decides: the one that refuses, else the closest.

    `spent` is before waivers; `remaining` is never negative, None without a limit. `reason` names the limit that
    refuses. All of it is as committed at `as_of`.
    """

    allowed: bool
    reason: str | None
    limit: Decimal | None
    spent: Decimal
    remaining: Decimal | None
    resets_at: datetime | None
    as_of: datetime


@exact()
def allowance(
    account: Account,
    meter: Meter | None = None,
    quantity: Decimal | None = None,
    dimensions: Mapping[str, str] | None = None,
    *,
    at: datetime,
) -> Allowance:
    """Whether usage may go on at `at`: by the account's limit and, if `meter` is given, by that meter's too.

    Without `quantity`: is the spend below the limit. With it: would the spend after it stay within. Where `dimensions`
    leave open which charge that usage falls on, the dearest is assumed. Raises `LimitError` for a quantity that is
    negative or given without a meter.
    """
    _check(meter, quantity)
    period = running_period(account, at)
    rated = rate_period(period) if period else None
    usage = usage_so_far(rated) if rated else {}
    after = usage
    if rated and meter is not None and quantity:
        dearest = _dearest(rated.spans, meter, quantity, dimensions or {}, at)
        after = joined(usage, {meter.code: dearest - usage_by_meter(rated.lines).get(meter.code, ZERO)})
    limits = [one for one in current_limits(account) if one.meter is None or one.meter == meter]
    verdicts = [_verdict(one, usage, after if quantity is not None else None) for one in limits]
    decisive = min(
        verdicts, key=_strictness, default=_Verdict(True, None, None, total(usage), None, stops=False)
    )
    return Allowance(
        allowed=decisive.allowed,
        reason=decisive.reason,
        limit=decisive.limit,
        spent=decisive.spent,
        remaining=decisive.remaining,
        resets_at=period.end if period else None,
        as_of=at,
    )


@dataclass(frozen=True, slots=True)
class _Verdict:
    allowed: bool
    reason: str | None
    limit: Decimal | None
    spent: Decimal
    remaining: Decimal | None
    stops: bool


def _verdict(
    limit: LimitVersion, usage: Mapping[str, Decimal], after: Mapping[str, Decimal] | None
) -> _Verdict:
    amount = limit.amount if limit.amount is not None else ZERO
    meter = limit.meter.code if limit.meter else None
    spent = spent_on(usage, meter)
    stops = limit.action == LimitVersion.Action.STOP
    fits = spent < amount if after is None else spent_on(after, meter) <= amount
    reason = METER_LIMIT_REACHED if limit.meter else ACCOUNT_LIMIT_REACHED
    allowed = fits or not stops
    return _Verdict(allowed, None if allowed else reason, amount, spent, max(amount - spent, ZERO), stops)


def _strictness(verdict: _Verdict) -> tuple[bool, bool, Decimal]:
    """What refuses comes first, then what could, then what is closest."""
    return verdict.allowed, not verdict.stops, verdict.remaining if verdict.remaining is not None else ZERO


def _check(meter: Meter | None, quantity: Decimal | None) -> None:
    if quantity is None:
        return
    if meter is None:
        raise LimitError("missing", "meter", _("Say which meter the quantity is of."))
    if quantity < 0:
        raise LimitError("negative", "quantity", _("A quantity cannot be negative. Write 0 or more."))


def _dearest(
    spans: Sequence[Span], meter: Meter, quantity: Decimal, dimensions: Mapping[str, str], at: datetime
) -> Decimal:
    """What the usage of `meter` costs with `quantity` more on the charge that makes it cost most."""
    place = max((index for index, span in enumerate(spans) if span.start <= at), default=0)
    charges = [one for span in spans[place : place + 1] for one in span.plan.charges]
    fitting = [one for one in charges if one.meter == meter.code and _may_match(one, dimensions)]
    outcomes = [rate(_grown(spans, place, one, quantity)) for one in fitting] or [rate(spans)]
    return max(usage_by_meter(lines).get(meter.code, ZERO) for lines in outcomes)


def _may_match(charge: Charge, dimensions: Mapping[str, str]) -> bool:
    """Whether no given dimension contradicts the charge's filter."""
    return all(dimensions[key] in values for key, values in charge.where.items() if key in dimensions)


def _grown(spans: Sequence[Span], place: int, charge: Charge, quantity: Decimal) -> list[Span]:
    """The spans with `quantity` more on `charge` in the one at `place`."""
    span = spans[place]
    upto = {**span.upto, charge.code: _more(charge, span.upto.get(charge.code, NO_USAGE), quantity)}
    return [*spans[:place], replace(span, upto=upto), *spans[place + 1 :]]


def _more(charge: Charge, usage: Usage, quantity: Decimal) -> Usage:
    """The usage after `quantity` more, at its dearest: a level or a peak counts only if it is higher."""
    rises = charge.aggregation not in {"max", "latest"}
    grown = usage.quantity + quantity if rises else max(usage.quantity, quantity)
    return Usage(grown, (*usage.amounts, *_events(charge, quantity)))


def _events(charge: Charge, quantity: Decimal) -> tuple[Decimal, ...]:
    """The single events that a percentage charge prices: one for each of a count, else one of the whole quantity."""
    if charge.model != "percentage" or not quantity:
        return ()
    if charge.aggregation != "count":
        return (quantity,)
    if quantity > MAX_EVENTS:
        raise LimitError("too_large", "quantity", _("Ask for at most %s events at once.") % f"{MAX_EVENTS:,}")
    return (Decimal(1),) * int(quantity.to_integral_value(ROUND_CEILING))
