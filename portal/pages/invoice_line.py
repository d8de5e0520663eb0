"""The way from a usage line of an issued document to its tiers, its days, and the events of a day or of all of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from django.urls import reverse

from accounts.models import Account
from billing.invoices.models import Invoice, InvoiceLine
from billing.invoices.queries import charge_of_line, line_days
from billing.pricing.charges import Charge
from billing.pricing.dates import local_date
from billing.pricing.money import ZERO
from billing.usage.charge_days import ChargeDay
from billing.usage.days import MICROSECOND, day_bounds
from billing.usage.queries import LineEvent, events_of_line
from portal import formats
from portal.pages.documents import TierRow, tier_rows
from portal.pages.events import event_url, parameter
from portal.pages.positions import read_position, write_position

EVENTS: Final = 50


@dataclass(frozen=True, slots=True)
class DayRow:
    """A local day of the line; `url` leads to its events."""

    day: date
    quantity: str
    cost: str
    url: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class EventRow:
    at: datetime
    id: str
    url: str
    facts: str
    quantity: str
    cost: str


@dataclass(frozen=True, slots=True)
class LinePage:
    """`day`: the one that is looked at alone, if any, and its row. `older` and `newer`: the days with usage beside it.
    `next` is the key of the page of events that follows; the costs of the line's days sum to its exact amount.
    `all_url` leads to the line's events in the list of all events.
    """

    invoice: Invoice
    line: InvoiceLine
    currency: str
    unit: str
    quantity: str
    tiers: Sequence[TierRow]
    exact: str
    days: Sequence[DayRow]
    day: DayRow | None
    older: DayRow | None
    newer: DayRow | None
    events: Sequence[EventRow]
    first: bool
    next: str
    all_url: str


def line_page(account: Account, number: str, line_id: UUID, after: str, day: str = "") -> LinePage | None:
    """A page of the line's events, or of those of one of its days (ISO); None where there is no such line or day."""
    rows = InvoiceLine.objects.select_related(
        "invoice", "version__plan", "period__account", "period__subscription"
    )
    line = rows.filter(account=account, invoice__number=number, pk=line_id, kind="usage").first()
    charge = charge_of_line(line) if line else None
    if line is None or charge is None or line.period is None:
        return None
    currency, days = line.invoice.currency, _days(line, day)
    place = next((place for place, one in enumerate(days) if one.chosen), None)
    if day and place is None:
        return None
    within = day_bounds(line.period.timezone, days[place].day) if place is not None else None
    found, following = events_of_line(
        line.period, charge, line.start, line.end, read_position(after), EVENTS, within=within
    )
    wide = max((_places(one.cost) for one in found), default=0)
    return LinePage(
        invoice=line.invoice,
        line=line,
        currency=currency,
        unit=formats.plural(line.unit, line.quantity or ZERO),
        quantity=formats.number(line.quantity or ZERO),
        tiers=tier_rows(line.tiers, currency),
        exact=f"{formats.money_exact(line.exact_amount, currency)} → {formats.money(line.amount, currency)}",
        days=days,
        day=None if place is None else days[place],
        older=days[place - 1] if place else None,
        newer=days[place + 1] if place is not None and place + 1 < len(days) else None,
        events=[_event(one, currency, wide) for one in found],
        first=not after,
        next=write_position(following),
        all_url=_all_url(line, charge),
    )


def _days(line: InvoiceLine, chosen: str) -> list[DayRow]:
    """The days with usage or a cost, costs to one width."""
    days: list[ChargeDay] = [one for one in line_days(line) if one.quantity or one.cost]
    wide, currency = max((_places(one.cost) for one in days), default=0), line.invoice.currency
    url = reverse("portal:invoice_line", args=[line.invoice.number, line.pk])
    return [
        DayRow(
            day=one.day,
            quantity=formats.number(one.quantity),
            cost=formats.money_exact(one.cost, currency, wide),
            url=f"{url}?day={one.day.isoformat()}",
            chosen=one.day.isoformat() == chosen,
        )
        for one in days
    ]


def _event(one: LineEvent, currency: str, places: int) -> EventRow:
    event = one.event
    facts = [str(value) for value in event.data.values() if isinstance(value, str)]
    return EventRow(
        at=event.time,
        id=event.id,
        url=event_url(event),
        facts=" · ".join(facts[:3])[:120],
        quantity=formats.number(one.quantity),
        cost=formats.money_exact(one.cost, currency, places),
    )


def _all_url(line: InvoiceLine, charge: Charge) -> str:
    zone = line.period.timezone if line.period else line.account.timezone
    query: dict[str, str | Sequence[str]] = {
        "from": local_date(line.start, zone).isoformat(),
        "to": local_date(line.end - MICROSECOND, zone).isoformat(),
        "meter": charge.meter,
        **{parameter(name): values for name, values in charge.where.items()},
    }
    return f"{reverse('portal:events')}?{urlencode(query, doseq=True)}"


def _places(amount: Decimal) -> int:
    exponent = amount.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
