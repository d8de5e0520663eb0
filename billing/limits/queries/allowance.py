"""The answer that a product asks for before it serves a request: may usage go on, and how much is left."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from django.utils.translation import gettext as _

from accounts.models import Account
from billing.limits.errors import LimitError
from billing.limits.queries.books import Books, Limit, read_books, spend
from billing.limits.queries.clamping import spent_on, total
from billing.limits.setting_aside import joined_aside, set_aside
from billing.plans.models import Meter
from billing.pricing.money import ZERO, exact

ACCOUNT_LIMIT_REACHED: Final = "account_limit_reached"
METER_LIMIT_REACHED: Final = "meter_limit_reached"


@dataclass(frozen=True, slots=True)
class Allowance:
    """`limit`, `spent` and `remaining` are those of the limit that decides: the one that refuses, else the closest.

    `spent` is before waivers, open reservations included; `remaining` is never negative, None without a limit.
    `reason` names the limit that refuses, `refused_by` is it, `period` (id) is the billing period that runs. All of it
    is as committed at `as_of`.
    """

    allowed: bool
    reason: str | None
    limit: Decimal | None
    spent: Decimal
    remaining: Decimal | None
    resets_at: datetime | None
    as_of: datetime
    refused_by: Limit | None = None
    period: int | None = None


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
    books = read_books(account, at)
    usage = spend(books)
    after = None if quantity is None else usage
    if books.parts and meter is not None and quantity:
        part = books.parts[-1]
        more = set_aside(part.spans, part.place, part.aside, meter.code, quantity, dimensions or {})
        after = spend(books, joined_aside(part.aside, more)) if more else usage
    limits = [one for one in books.limits if one.meter is None or (meter and one.meter == meter.code)]
    return _answer(books, limits, usage, after, at)


def refusing(books: Books, after: Mapping[str, Decimal], meters: Container[str]) -> Limit | None:
    """The limit of the account, or of one of `meters`, that `after` would pass; the first one, None if none."""
    for limit in books.limits:
        concerned = limit.meter is None or limit.meter in meters
        if limit.stops and concerned and spent_on(after, limit.meter) > limit.amount:
            return limit
    return None


@dataclass(frozen=True, slots=True)
class _Verdict:
    limit: Limit
    allowed: bool
    spent: Decimal
    remaining: Decimal


def _answer(
    books: Books,
    limits: Sequence[Limit],
    usage: Mapping[str, Decimal],
    after: Mapping[str, Decimal] | None,
    at: datetime,
) -> Allowance:
    decisive = min((_verdict(one, usage, after) for one in limits), key=_strictness, default=None)
    if decisive is None:
        return Allowance(True, None, None, total(usage), None, books.resets_at, at)
    reason = METER_LIMIT_REACHED if decisive.limit.meter else ACCOUNT_LIMIT_REACHED
    return Allowance(
        allowed=decisive.allowed,
        reason=None if decisive.allowed else reason,
        limit=decisive.limit.amount,
        spent=decisive.spent,
        remaining=decisive.remaining,
        resets_at=books.resets_at,
        as_of=at,
        refused_by=None if decisive.allowed else decisive.limit,
        period=books.period,
    )


def _verdict(limit: Limit, usage: Mapping[str, Decimal], after: Mapping[str, Decimal] | None) -> _Verdict:
    spent = spent_on(usage, limit.meter)
    fits = spent < limit.amount if after is None else spent_on(after, limit.meter) <= limit.amount
    return _Verdict(limit, fits or not limit.stops, spent, max(limit.amount - spent, ZERO))


def _strictness(verdict: _Verdict) -> tuple[bool, bool, Decimal]:
    """What refuses comes first, then what could, then what is closest."""
    return verdict.allowed, not verdict.limit.stops, verdict.remaining


def _check(meter: Meter | None, quantity: Decimal | None) -> None:
    if quantity is None:
        return
    if meter is None:
        raise LimitError("missing", "meter", _("Say which meter the quantity is of."))
    if quantity < 0:
        raise LimitError("negative", "quantity", _("A quantity cannot be negative. Write 0 or more."))
