"""One event's whole way: received, counted, priced, on an invoice line. Or why it costs nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext

from accounts.models import Account
from billing.limits.queries import firings
from billing.plans.models import Period
from billing.plans.queries import plan_terms, spans_in
from billing.pricing.dates import local_date
from billing.pricing.money import ZERO, exact
from billing.usage.models import QuarantinedEvent
from billing.usage.queries import (
    EventDetail,
    counted_for,
    events_by_id,
    is_matched,
    meters_by_code,
)
from billing.usage.values import text_of
from portal import formats
from portal.pages.event_charges import ChargePath, Priced, Stretch, charge_paths
from portal.pages.events import event_url, quantity_words
from portal.pages.periods import period_holding, period_name

STOPS: Final = 200
"""The newest stops that are looked at for what they took."""


@dataclass(frozen=True, slots=True)
class EventPage:
    """`charges` is empty where the event costs nothing, and `why` says why. `others`: its id elsewhere."""

    id: str
    source: str
    type: str
    time: datetime | None
    received_at: datetime
    revision: int
    voided: bool
    set_aside: bool
    delay: str
    data: Sequence[tuple[str, str]]
    counted: Sequence[tuple[str, str]]
    day: str
    day_events: str
    period: str
    plan: str
    charges: Sequence[ChargePath]
    cost: str
    why: str
    others: Sequence[tuple[str, str]]


def event_page(account: Account, id: str, source: str) -> EventPage | None:
    """The event with this id, from `source` or of all sources the last one stored; None if the account has none."""
    found = events_by_id(account, id)
    event = next((one for one in found if source in ("", one.source)), None)
    if event is None:
        return _set_aside(account, id, source)
    others = [(one.source, event_url(one)) for one in found if one.source != event.source]
    counted = counted_for(event, meters_by_code().values())
    period = period_holding(account, event.time)
    version = _version(period, event.time)
    charges = list[ChargePath]()
    if period is not None and version is not None:
        period.account = account
        stopped = [one for one in firings(account, STOPS) if one.stop.reached and one.period.pk == period.pk]
        pricing = [
            (meter, charge)
            for charge in plan_terms(version[0]).charges
            for meter, _quantity in counted
            if charge.meter == meter.code and is_matched(event, charge.where)
        ]
        charges = charge_paths(Priced(period, version, event), pricing, stopped)
    day = local_date(event.time, account.timezone).isoformat()
    return EventPage(
        id=event.id,
        source=event.source,
        type=event.type,
        time=event.time,
        received_at=event.received_at,
        revision=event.revision,
        voided=event.voided,
        set_aside=False,
        delay=_delay(event),
        data=_facts(event.data),
        counted=[(formats.text_of(one.name), quantity_words(one, quantity)) for one, quantity in counted],
        day=day,
        day_events=f"{reverse('portal:events')}?{urlencode({'from': day, 'to': day})}",
        period=period_name(period.first_day, period.end_day) if period else "",
        plan=formats.text_of(version[0].name) if version else "",
        charges=charges,
        cost=_cost(charges, account.currency),
        why="" if charges else _why(event, counted, period),
        others=others,
    )


def _version(period: Period | None, at: datetime) -> Stretch | None:
    """The stretch on one plan version that holds `at`; None outside of paid periods."""
    spans = spans_in(period) if period else []
    return next((span for span in spans if span[1] <= at < span[2]), None)


def _why(event: EventDetail, counted: Sequence[object], period: Period | None) -> str:
    if event.voided:
        return gettext("It was voided: a later revision took it back, so it counts nothing.")
    if not counted:
        return gettext("No meter counts it: it lacks the property that the meters of its type add up.")
    if period is None:
        return gettext("No billing period covers its time.")
    if period.trial:
        return gettext("It lies in your trial, which is free, usage included.")
    return gettext("No charge of your plan prices it.")


@exact()
def _cost(charges: Sequence[ChargePath], currency: str) -> str:
    """What all charges together made of it, exactly."""
    return formats.money_exact(sum((one.amount for one in charges), ZERO), currency)


def _delay(event: EventDetail) -> str:
    """How long after its time it came, in the largest fitting unit; "" within a minute."""
    seconds = int((event.received_at - event.time).total_seconds())
    if seconds < 60:
        return ""
    if seconds < 2 * 3600:
        return gettext("%(count)s min") % {"count": formats.number(seconds // 60)}
    if seconds < 2 * 86400:
        return gettext("%(count)s h") % {"count": formats.number(seconds // 3600)}
    return gettext("%(count)s days") % {"count": formats.number(seconds // 86400)}


def _facts(data: dict[str, Any]) -> list[tuple[str, str]]:
    """What was sent, each property as text; what is no text, number or truth value by its type alone."""
    return [(name, _shown(value)) for name, value in data.items()]


def _shown(value: object) -> str:
    text = text_of(value)
    return formats.DASH if text is None else text


def _set_aside(account: Account, id: str, source: str) -> EventPage | None:
    """An event that is kept but not counted yet."""
    rows = QuarantinedEvent.objects.filter(account=account, event_id=id, replayed_at=None)
    row = (rows.filter(source=source) if source else rows).order_by("-pk").first()
    if row is None:
        return None
    data = row.body.get("data")
    return EventPage(
        id=row.event_id,
        source=row.source,
        type=row.type,
        time=None,
        received_at=row.received_at,
        revision=0,
        voided=False,
        set_aside=True,
        delay="",
        data=_facts(data) if isinstance(data, dict) else [],
        counted=[],
        day="",
        day_events="",
        period="",
        plan="",
        charges=[],
        cost="",
        why=_reason(row.reason),
        others=[],
    )


def _reason(reason: str) -> str:
    words = {
        QuarantinedEvent.Reason.UNKNOWN_TYPE: gettext(
            "No meter listens to its type. It is kept, and counts once there is one."
        ),
        QuarantinedEvent.Reason.NO_PERIOD: gettext(
            "No billing period covers its time. It is kept, and counts once there is one."
        ),
        QuarantinedEvent.Reason.TOO_LATE: gettext(
            "It came too late for a period that was invoiced already. It is kept, and costs nothing."
        ),
        QuarantinedEvent.Reason.PAST_TERM: gettext("It corrects an event that is no longer kept."),
    }
    return words.get(QuarantinedEvent.Reason(reason), gettext("It is kept, and not counted yet."))
