"""Set usage aside, commit it with its event, or give it back.

Who reserves holds the account's reservation lock alone, so each sees what was granted before; who commits shares it, so
nobody decides while an event is under way from set aside to stored. It is the first lock of all: reservations → account
→ subscription → intake → event keys → day totals.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from psycopg.types.json import Jsonb

from accounts.models import Account
from billing.limits.errors import LimitError
from billing.limits.models import Reservation
from billing.limits.queries.allowance import refusing
from billing.limits.queries.books import Books, Limit, Part, read_books, spend
from billing.limits.setting_aside import Aside, joined_aside, set_aside
from billing.plans.models import Aggregation, Meter
from billing.pricing.money import plain
from billing.usage.intake.context import clock
from billing.usage.statements import together

CLASS: Final = 7202
"""The first key of the advisory locks of reservations; nothing else may use it."""

TTL_SECONDS: Final = (1, 86_400)
"""The shortest and the longest time for which usage is set aside."""

KEPT: Final = timedelta(days=7)
"""For how long an ended or expired reservation stays, so that the same commit sent again is a duplicate."""

PURGED_AT_ONCE: Final = 10_000

_STORE: Final = (Path(__file__).parent.parent / "sql" / "reserve.sql").read_text(encoding="utf-8")
_HOLD: Final = "WITH held AS MATERIALIZED (SELECT {}(%s, %s)) SELECT clock_timestamp() FROM held"


@dataclass(frozen=True, slots=True)
class Ask:
    """Usage that someone wants to set aside: `quantity` of `meter`, by these dimension values, for `ttl`."""

    meter: Meter
    quantity: Decimal
    dimensions: Mapping[str, str]
    ttl: timedelta

    def is_at_least(self, other: "Ask") -> bool:
        """Whether this cannot be granted where `other` was not."""
        same = self.meter == other.meter and self.dimensions == other.dimensions
        return same and self.quantity >= other.quantity


@dataclass(frozen=True, slots=True)
class Refused:
    """The limit that usage would have passed, in the billing period of this id, at `at`."""

    limit: Limit
    period: int
    resets_at: datetime | None
    at: datetime


type Outcome = Reservation | Refused | LimitError


def make_ask(meter: Meter, quantity: Decimal, dimensions: Mapping[str, str], ttl_seconds: int) -> Ask:
    """Raises `LimitError` that names the field at fault."""
    if meter.aggregation == Aggregation.TIME_WEIGHTED:
        message = _(
            "A level costs more the longer it is held, so it cannot be reserved: ask for the allowance."
        )
        raise LimitError("not_reservable", "meter", message)
    if quantity <= 0:
        raise LimitError("not_positive", "quantity", _("Reserve more than 0."))
    for name in dimensions:
        if name not in meter.dimensions:
            known = ", ".join(meter.dimensions) or "–"
            raise LimitError("unknown", "dimensions", _("The dimensions of this meter are: %s.") % known)
    shortest, longest = TTL_SECONDS
    if not shortest <= ttl_seconds <= longest:
        message = _("Write a number of seconds from %(shortest)s to %(longest)s.")
        raise LimitError("out_of_bounds", "ttl_seconds", message % {"shortest": shortest, "longest": longest})
    return Ask(meter, quantity, dimensions, timedelta(seconds=ttl_seconds))


@transaction.atomic(savepoint=False)
def reserve(account: Account, asks: Sequence[Ask]) -> list[Outcome]:
    """Set each of `asks` aside, in their order, or say which limit it would have passed. Call it in a scope.

    A limit that stops is then never passed, whatever of all that is set aside comes to be used. An error is given back
    in its place: the others' reservations stand.
    """
    opened = hold_reservations(account.pk)
    now = timezone.now()
    books = read_books(account, now)
    if books.period is None:
        message = _("No billing period runs: subscribe the account to a plan first.")
        return [LimitError("no_period", "", message, kind="conflict") for _each in asks]
    return _Grants(account, books, books.period, now, opened).decide(asks)


class _Grants:
    """Reservations that are granted one after the other on the same books, and stored together."""

    def __init__(self, account: Account, books: Books, period: int, now: datetime, opened: datetime) -> None:
        self.account, self.books, self.period, self.now = account, books, period, now
        self.part: Part = books.parts[-1]
        self.aside: Aside = self.part.aside
        self.opened = opened
        self.limits = sorted(str(limit.id) for limit in books.limits)
        self.refused = list[tuple[Ask, Refused]]()

    def decide(self, asks: Sequence[Ask]) -> list[Outcome]:
        """The outcomes, in order. They are tried together and, if that is too much, halves of them: who is granted is
        the same as one by one, as what is set aside only makes usage dearer."""
        counting = _counting_too([ask.meter for ask in asks])
        found = self._some([(ask, counting.get(ask.meter.pk, ())) for ask in asks])
        _store([one for one in found if isinstance(one, Reservation)])
        return found

    def _some(self, asks: Sequence[tuple[Ask, Sequence[str]]]) -> list[Outcome]:
        if len(asks) == 1:
            for other, refusal in self.refused:
                if asks[0][0].is_at_least(other):
                    return [refusal]
        aside, chosen = self.aside, []
        try:
            for ask, counted_too in asks:
                chosen.append(self._charges(ask, counted_too, aside))
                aside = joined_aside(aside, chosen[-1])
        except LimitError as error:
            return [error] if len(asks) == 1 else self._halves(asks)
        meters = {code for ask, counted_too in asks for code in (ask.meter.code, *counted_too)}
        limit = refusing(self.books, spend(self.books, aside), meters) if self._stops() else None
        if limit is None:
            self.aside = aside
            return [self._reservation(ask, charges) for (ask, _), charges in zip(asks, chosen, strict=True)]
        if len(asks) > 1:
            return self._halves(asks)
        refusal = Refused(limit, self.period, self.books.resets_at, self.now)
        self.refused.append((asks[0][0], refusal))
        return [refusal]

    def _halves(self, asks: Sequence[tuple[Ask, Sequence[str]]]) -> list[Outcome]:
        middle = len(asks) // 2
        return [*self._some(asks[:middle]), *self._some(asks[middle:])]

    def _charges(self, ask: Ask, counted_too: Sequence[str], aside: Aside) -> dict[str, Decimal]:
        part = self.part
        return set_aside(
            part.spans, part.place, aside, ask.meter.code, ask.quantity, ask.dimensions, counted_too
        )

    def _stops(self) -> bool:
        return any(limit.stops for limit in self.books.limits)

    def _reservation(self, ask: Ask, charges: Mapping[str, Decimal]) -> Reservation:
        return Reservation(
            account=self.account,
            meter=ask.meter,
            quantity=ask.quantity,
            dimensions=dict(ask.dimensions),
            period_id=self.period,
            version_id=self.books.version,
            limits=self.limits,
            charges={code: plain(quantity) for code, quantity in charges.items()},
            expires_at=self.opened + ask.ttl,
        )


def hold_reservations(account_id: int, shared: bool = False) -> datetime:
    """Until the transaction ends nobody else decides on reservations of the account; shared: nobody makes one.

    Gives the database's time when it was so.
    """
    name = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
    with connection.cursor() as cursor:
        cursor.execute(_HOLD.format(name), [CLASS, account_id % 2**31])
        at: datetime = cursor.fetchall()[0][0]
    return at


def _store(granted: Sequence[Reservation]) -> None:
    """Through one prepared statement, in a fifth of `bulk_create`'s time, as other callers wait meanwhile."""
    if not granted:
        return
    first = granted[0]
    own = {"account": first.account_id, "period": first.period_id, "version": first.version_id}
    rows = [
        {
            "id": str(one.pk),
            "meter": one.meter_id,
            "quantity": str(one.quantity),
            "dimensions": one.dimensions,
            "charges": one.charges,
            "expires_at": one.expires_at.isoformat(),
        }
        for one in granted
    ]
    with together() as run:
        run(_STORE, {**own, "limits": Jsonb(first.limits), "rows": Jsonb(rows)})


def purge_reservations() -> int:
    """Delete the rows of reservations that expired `KEPT` ago; how many. Call it in the installation's scope.

    A commit that is sent again so late is not found.
    """
    over = Reservation.objects.filter(expires_at__lt=clock() - KEPT).order_by("expires_at").values_list("pk")
    return Reservation.objects.filter(pk__in=list(over[:PURGED_AT_ONCE])).delete()[0]


def _counting_too(meters: Sequence[Meter]) -> dict[int, list[str]]:
    """By meter (id), the codes of the other meters that count each event of its type."""
    types = {meter.event_type for meter in meters}
    counting = Meter.objects.filter(event_type__in=types, aggregation=Aggregation.COUNT)
    found = list(counting.values_list("pk", "code", "event_type"))
    return {
        meter.pk: [code for pk, code, type_ in found if type_ == meter.event_type and pk != meter.pk]
        for meter in meters
    }
