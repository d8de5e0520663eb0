"""All that an allowance or a reservation is decided by: usage, what is set aside, the limits in force.

Read from committed rows: in one statement where the plan allows it (sql/books.sql), else by several that say the same.
Nothing is kept between two readings but the terms of published plan versions, which never change.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import psycopg
from django.db import connection
from django.db.models import DateTimeField, Func

from accounts.models import Account
from accounts.scope import SETTING, account_scope
from billing.limits.models import LimitVersion, Reservation
from billing.limits.queries.versions import current_limits
from billing.limits.queries.window import parts, running_period
from billing.limits.setting_aside import Aside, joined_aside, set_aside, with_aside
from billing.plans.models import Period
from billing.plans.queries import published_terms, version_at
from billing.pricing.charges import Charge, Usage
from billing.pricing.clamp import joined, usage_by_meter
from billing.pricing.money import ZERO, exact
from billing.pricing.rate import rate
from billing.pricing.spans import Span
from billing.usage.days import day_bounds
from billing.usage.rating import rate_period

_READ: Final = (Path(__file__).parent.parent / "sql" / "books.sql").read_text(encoding="utf-8")
_WHOLE: Final = Fraction(1)

CLOCK: Final = Func(function="clock_timestamp", output_field=DateTimeField())
"""The database's clock at the instant of the statement, not of the transaction's start."""

type Row = tuple[Any, ...]
type Total = tuple[dict[str, str | None], Decimal]
"""A set of priced dimension values, and the quantity by them."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit in force: the id of its version, the code of its meter (None: the account's own)."""

    id: UUID
    meter: str | None
    amount: Decimal
    stops: bool


@dataclass(frozen=True, slots=True)
class Part:
    """A billing period's usage by its plan's stretches, and what is set aside in it, on the charges of the one at
    `place`, which runs."""

    spans: Sequence[Span]
    place: int
    aside: Aside


@dataclass(frozen=True, slots=True)
class Books:
    """The account at an instant. `parts` make up the limits' running period; the last one is the one that runs.

    `period` and `version` (of the plan) are ids, None where there is none.
    """

    period: int | None
    version: int | None
    resets_at: datetime | None
    parts: tuple[Part, ...]
    limits: tuple[Limit, ...]


def read_books(account: Account, at: datetime) -> Books:
    """The books of `account` at `at`. Inside a scope it holds; outside of any the account's own is opened."""
    found = _quickly(read_rows(account.pk, at))
    if found is not None:
        return found
    with nullcontext() if connection.in_atomic_block else account_scope(account.pk):
        return read_slowly(account, at)


@exact()
def spend(books: Books, aside: Aside | None = None) -> dict[str, Decimal]:
    """Usage of the running period before waivers, by meter, with all that is set aside; `aside` in place of what is in
    the part that runs."""
    usage = dict[str, Decimal]()
    for part in books.parts:
        chosen = part.aside if aside is None or part is not books.parts[-1] else aside
        usage = joined(usage, usage_by_meter(rate(with_aside(part.spans, part.place, chosen))))
    return usage


def read_rows(account: int, at: datetime) -> list[Row]:
    """What sql/books.sql gives. Prepared on the connection, as planning it takes longer than running it.

    Outside of a transaction the account's scope is opened in the same round trip, and ends with it.
    """
    connection.ensure_connection()
    raw = connection.connection
    before, raw.prepare_threshold = raw.prepare_threshold, 0
    try:
        with connection.wrap_database_errors:
            cursor = psycopg.Cursor(raw)
            if connection.in_atomic_block:
                return cursor.execute(_READ, {"account": account, "at": at}).fetchall()
            with raw.pipeline():
                psycopg.Cursor(raw).execute("SELECT set_config(%s, %s, true)", [SETTING, str(account)])
                cursor.execute(_READ, {"account": account, "at": at})
            return cursor.fetchall()
    finally:
        raw.prepare_threshold = before


def _quickly(rows: Sequence[Row]) -> Books | None:
    """The books by the one statement. None where it cannot tell: no period is stored for the instant yet, it goes on
    from a cancelled subscription's, the plan changed inside it, its local days are not the totals', or a charge is not
    the sum of its days.
    """
    if len(rows) != 1:
        return None
    id_, start, end, number, trial, first, end_day, zone, kept, version, earlier, totals, limits, aside = (
        rows[0]
    )
    if earlier or (kept is not None and kept != zone):
        return None
    if trial:
        return Books(id_, None, end, (Part((), 0, {}),), _limits(limits))
    midnight, next_midnight = day_bounds(zone, first)
    begins = midnight == start or (number == 0 and midnight < start < next_midnight)
    if version is None or not begins or day_bounds(zone, end_day)[0] != end:
        return None
    plan = published_terms(version)
    upto = _usage(plan.charges, totals) if plan is not None else None
    reserved = _aside(aside, version)
    if plan is None or upto is None or reserved is None:
        return None
    span = Span(plan, start, end, {}, upto, _WHOLE)
    return Books(id_, version, end, (Part((span,), 0, reserved),), _limits(limits))


@exact()
def _usage(charges: Sequence[Charge], totals: str | None) -> dict[str, Usage] | None:
    """The usage of each charge; None if one is not the sum of its days."""
    by_meter = dict[str, tuple[str, list[str] | None, list[Total]]]()
    for meter, kind, ready, dimensions, events, total in _read(totals):
        found = by_meter.setdefault(meter, (kind, ready, []))
        if dimensions is not None:
            found[2].append((dimensions, Decimal(events if kind == "count" else total)))
    usage = dict[str, Usage]()
    for charge in charges:
        kind, ready, rows = by_meter.get(charge.meter, ("", None, []))
        summed = kind in {"sum", "count"} and kind == charge.aggregation and charge.model != "percentage"
        if not summed or ready is None or not set(ready).issuperset(charge.where):
            return None
        matching = (quantity for values, quantity in rows if _matches(values, charge))
        usage[charge.code] = Usage(sum(matching, ZERO))
    return usage


def _matches(values: Mapping[str, str | None], charge: Charge) -> bool:
    return all(values.get(name) in accepted for name, accepted in charge.where.items())


def _aside(text: str | None, version: int) -> Aside | None:
    """What is set aside on each charge, as one quantity: only sums come here. None if it was on another version."""
    aside: dict[str, Decimal] = {}
    for made_on, charge, quantity in _read(text):
        if made_on != version:
            return None
        if charge is not None:
            aside[charge] = aside.get(charge, ZERO) + Decimal(quantity)
    return {charge: (quantity,) for charge, quantity in aside.items()}


def _limits(text: str | None) -> tuple[Limit, ...]:
    return _ordered(
        Limit(UUID(id_), meter, Decimal(amount), action == LimitVersion.Action.STOP)
        for id_, meter, amount, action in _read(text)
    )


def _read(text: str | None) -> Iterator[Any]:
    """The rows of a JSON array, numbers exact."""
    yield from json.loads(text, parse_float=Decimal) if text else ()


def read_slowly(account: Account, at: datetime) -> Books:
    """The same by one statement for each thing, whatever the plan. What is set aside is read before usage: what is
    committed meanwhile is counted twice, never not at all."""
    limits = _ordered(
        Limit(
            one.pk,
            one.meter.code if one.meter else None,
            one.amount or ZERO,
            one.action == LimitVersion.Action.STOP,
        )
        for one in current_limits(account)
    )
    period = running_period(account, at)
    if period is None:
        return Books(None, None, None, (), limits)
    version = None if period.trial else version_at(period.subscription, at).pk
    running = parts(period)
    kept = _open_reservations(running)
    found = tuple(_part(each, kept.get(each.pk, ()), version, at) for each in running)
    return Books(period.pk, version, period.end, found, limits)


def _open_reservations(periods: Sequence[Period]) -> dict[int, list[Reservation]]:
    """Those of the periods that are neither ended nor expired, by period, oldest first; by the database's clock."""
    rows = Reservation.objects.filter(
        account=periods[0].account_id, period__in=periods, ended_at=None, expires_at__gt=CLOCK
    )
    found = dict[int, list[Reservation]]()
    for one in rows.select_related("meter").order_by("created_at", "pk"):
        found.setdefault(one.period_id, []).append(one)
    return found


def _part(period: Period, kept: Sequence[Reservation], version: int | None, at: datetime) -> Part:
    spans = rate_period(period).spans
    place = max((index for index, span in enumerate(spans) if span.start <= at), default=0)
    aside: Aside = {}
    for one in kept:
        charges = {code: Decimal(quantity) for code, quantity in one.charges.items()}
        if one.version_id != version:  # made on another plan: what it would be set aside on now
            charges = set_aside(spans, place, aside, one.meter.code, one.quantity, one.dimensions)
        aside = joined_aside(aside, charges)
    return Part(spans, place, aside)


def _ordered(limits: Iterable[Limit]) -> tuple[Limit, ...]:
    """The account's own first, then by the meter's code."""
    return tuple(sorted(limits, key=lambda limit: limit.meter or ""))
