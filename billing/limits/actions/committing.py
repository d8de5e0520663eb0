"""Commit reserved usage with its event, or give it back."""

from decimal import Decimal
from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Account
from billing.limits.actions.reserving import hold_reservations
from billing.limits.errors import LimitError
from billing.limits.models import Reservation
from billing.limits.queries.books import read_slowly, spend
from billing.limits.queries.clamping import spent_on
from billing.limits.queries.versions import current_limits
from billing.limits.queries.window import running_period
from billing.limits.setting_aside import has_free_part, may_match
from billing.plans.models import Meter
from billing.plans.queries import published_terms, version_at
from billing.pricing.money import plain
from billing.usage.days import MICROSECOND
from billing.usage.ingest import Incoming, Result, ingest_groups
from billing.usage.intake.context import clock
from billing.usage.locks import hold_intake, share_shapes
from billing.usage.values import READERS, text_of

EXCEEDS: Final = "exceeds_reservation"
GONE: Final = "gone"


class _Unsure(Exception):  # noqa: N818  (never leaves this module)
    """Whether the event stays within what was set aside must be told by its price."""


class NotStored(Exception):  # noqa: N818  (an answer, not a fault)
    """Intake refused the event, as `result` says; the reservation stays."""

    def __init__(self, result: Result) -> None:
        super().__init__()
        self.result = result


@transaction.atomic
def commit(account: Account, reservation: UUID, event: Incoming, key_id: UUID | None = None) -> Result:
    """Store the event and end its reservation, both or neither. Call it in a scope. `key_id`: the account's own key, if
    one of its sends.

    The same commit again is a duplicate, also after the reservation would have expired. Raises `LimitError`
    (`exceeds_reservation`, `gone`, or a conflict where another event was committed), `NotStored` where intake refuses
    the event, `Reservation.DoesNotExist`.
    """
    try:
        with transaction.atomic():  # who is unsure lets go of its locks
            hold_reservations(account.pk, shared=True)
            return _commit(account, reservation, event, key_id)
    except _Unsure:
        hold_reservations(account.pk)
        return _commit_priced(account, reservation, event, key_id)


@transaction.atomic
def give_back(account: Account, reservation: UUID) -> None:
    """End the reservation unused; nothing to do if it has ended so or expired. A committed one: a conflict."""
    kept = Reservation.objects.select_for_update().get(pk=reservation, account=account)
    if kept.event_id:
        message = _("It was committed. To take its event back, send a higher revision that is voided.")
        raise LimitError("already_committed", "", message, kind="conflict")
    if kept.ended_at is None:
        _end(kept)


def _commit(account: Account, reservation: UUID, event: Incoming, key_id: UUID | None) -> Result:
    """What was set aside covers the event without a look at prices."""
    kept = _open(account, reservation, event)
    if kept.ended_at is None:
        _check_fits(kept, event)
        _check_charges(kept, event)
    result = _store(account, kept, event, key_id)
    if kept.ended_at is None:
        if not _same_terms(kept):  # after storing: from there on no limit changes until we are through
            raise _Unsure
        _end(kept, event)
    return result


def _commit_priced(account: Account, reservation: UUID, event: Incoming, key_id: UUID | None) -> Result:
    """The event is stored and all is priced anew, while nothing else comes in; undone, if that passes a limit.

    It may come to as much as was promised. Nothing was, where the plan or a limit has changed since.
    """
    kept = _open(account, reservation, event)
    if kept.ended_at is not None:
        return _store(account, kept, event, key_id)
    _check_fits(kept, event)
    at = min(clock(), kept.period.end - MICROSECOND)
    running_period(account, at)  # stores a period that has begun, before intake is held
    share_shapes()
    hold_intake(account.pk)
    before = spend(read_slowly(account, at)) if _same_terms(kept) else {}
    result = _store(account, kept, event, key_id)
    _end(kept, event)
    books = read_slowly(account, at)
    after = spend(books)
    for limit in books.limits:
        allowed = max(limit.amount, spent_on(before, limit.meter))
        if limit.stops and spent_on(after, limit.meter) > allowed:
            raise _exceeds("", _("It costs more than what was set aside, and would pass a limit."))
    return result


def _open(account: Account, reservation: UUID, event: Incoming) -> Reservation:
    """The locked reservation, if it is open, or ended by this very event."""
    rows = Reservation.objects.select_for_update(of=("self",)).select_related("meter", "period__subscription")
    kept = rows.get(pk=reservation, account=account)
    if kept.event_id:
        if (kept.source, kept.event_id) != (event.source, event.id):
            message = _("It was committed with another event.")
            raise LimitError("already_committed", "", message, kind="conflict")
    elif kept.ended_at is not None:
        raise LimitError(GONE, "", _("It was given back. Reserve anew."))
    elif kept.expires_at <= clock():
        raise LimitError(GONE, "", _("It has expired. Reserve anew, or send the event to /events."))
    return kept


def _check_fits(kept: Reservation, event: Incoming) -> None:
    """The event is new usage of the reserved meter, by its dimension values, within its quantity and period."""
    meter, period = kept.meter, kept.period
    if event.revision or event.voided:
        raise _exceeds("revision", _("A correction is no new usage: send it to /events."))
    if event.type != meter.event_type:
        raise _exceeds("type", _("The reserved meter listens to %s.") % meter.event_type)
    for name, value in kept.dimensions.items():
        if text_of(event.data.get(name)) != value:
            raise _exceeds(
                f"data/{name}", _("%(name)s is reserved for %(value)s.") % {"name": name, "value": value}
            )
    quantity = _quantity(meter, event)
    if quantity is None or not 0 <= quantity <= kept.quantity:
        name = f"data/{meter.value}" if meter.value else "data"
        most = plain(kept.quantity)
        raise _exceeds(name, _("Between 0 and %s of the meter were reserved.") % most)
    time = event.time or clock()
    if not period.start <= time < period.end:
        raise _exceeds("time", _("The reservation is of another billing period."))


def _check_charges(kept: Reservation, event: Incoming) -> None:
    """Raises `_Unsure` unless each charge that the event falls on has that much set aside, whatever the order."""
    if kept.version_id is None:
        return
    plan = published_terms(kept.version_id)
    listening = {meter.code: meter for meter in Meter.objects.filter(event_type=event.type)}
    for charge in plan.charges if plan else ():
        quantity = _quantity(listening[charge.meter], event) if charge.meter in listening else None
        values = {name: text_of(event.data.get(name)) for name in charge.where}
        if quantity is None or not may_match(charge, values):
            continue
        by_order = charge.aggregation == "latest" or has_free_part(charge)
        if by_order or not 0 <= quantity <= Decimal(kept.charges.get(charge.code, -1)):
            raise _Unsure


def _quantity(meter: Meter, event: Incoming) -> Decimal | None:
    """What the event adds to the meter at the most, None if the meter skips it. A distinct value is one."""
    value = READERS[meter.aggregation](event.data.get(meter.value))
    return Decimal(1) if value is not None and meter.aggregation in {"count", "unique"} else value


def _store(account: Account, kept: Reservation, event: Incoming, key_id: UUID | None) -> Result:
    """Intake's answer, one accepted or one duplicate."""
    event.index = 0
    result = ingest_groups([[event]], account, key_id)[0]
    if result.rejected:
        raise NotStored(result)
    if result.quarantined:
        raise _exceeds("time", _("The event would have no service period that still takes it."))
    if event.time is None and kept.ended_at is None and clock() >= kept.period.end:
        raise _exceeds("time", _("The reservation is of another billing period."))
    return result


def _same_terms(kept: Reservation) -> bool:
    """Whether the plan and the limits are those that it was granted by."""
    period = kept.period
    at = min(clock(), period.end - MICROSECOND)
    version = None if period.trial else version_at(period.subscription, at).pk
    limits = sorted(str(limit.pk) for limit in current_limits(kept.account))
    return version == kept.version_id and limits == kept.limits


def _end(kept: Reservation, event: Incoming | None = None) -> None:
    kept.ended_at = clock()
    if event is not None:
        kept.source, kept.event_id = event.source, event.id
    kept.save(update_fields=["ended_at", "source", "event_id"])


def _exceeds(field: str, sentence: str) -> LimitError:
    return LimitError(EXCEEDS, field, sentence)
