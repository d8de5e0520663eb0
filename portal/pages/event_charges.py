"""What one charge of a plan made of an event: its price, its step, its day, its invoice line, a waiver."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext

from billing.invoices.models import InvoiceLine
from billing.limits.queries import Cause, Firing
from billing.plans.models import Meter, Period, PlanVersion
from billing.plans.queries import plan_terms
from billing.pricing.charges import Charge
from billing.pricing.models.parts import TierPart, difference
from billing.pricing.money import exact
from billing.usage.charge_days import ChargeDay, event_on_its_day
from billing.usage.queries import EventDetail, PricedEvent
from portal import formats
from portal.pages.documents import TierRow, tier_rows
from portal.pages.events import quantity_words
from portal.pages.prices import price_words


@dataclass(frozen=True, slots=True)
class Waived:
    """A stop of a limit that took what the event cost. `crossing`: it is the event that crossed the limit, so only what
    lies above it is waived.
    """

    receipt_url: str
    amount: Decimal
    crossing: bool


@dataclass(frozen=True, slots=True)
class ChargePath:
    """What one charge made of the event. `url` leads to its line, or to the next invoice while `number` is "".

    `late_number`: it came after its period was invoiced, and stands on this later document, if that is issued.
    """

    name: str
    where: str
    price: str
    quantity: str
    tiers: Sequence[TierRow]
    amount: Decimal
    cost: str
    day_quantity: str
    day_cost: str
    day_url: str
    number: str
    url: str
    late: bool
    late_number: str
    waived: Waived | None


type Stretch = tuple[PlanVersion, datetime, datetime]


@dataclass(frozen=True, slots=True)
class Priced:
    """An event that a plan version prices, in the stretch of `period` on it that holds the event."""

    period: Period
    stretch: Stretch
    event: EventDetail

    @property
    def late(self) -> bool:
        """Whether it came after its period was invoiced."""
        closed = self.period.closed_at
        return closed is not None and self.event.received_at > closed


def charge_paths(
    found: Priced, charges: Sequence[tuple[Meter, Charge]], stopped: Sequence[Firing]
) -> list[ChargePath]:
    """What each of the charges made of the event; `stopped`: the stops of its period."""
    if not charges:
        return []
    _version, start, end = found.stretch
    priced = event_on_its_day(found.period, [charge for _meter, charge in charges], start, end, found.event)
    lines = _lines(found, [charge.code for _meter, charge in charges])
    return [_path(found, *each, *made, lines, stopped) for each, made in zip(charges, priced, strict=True)]


def _path(  # noqa: PLR0917
    found: Priced,
    meter: Meter,
    charge: Charge,
    priced: PricedEvent,
    whole: ChargeDay,
    lines: Sequence[InvoiceLine],
    stopped: Sequence[Firing],
) -> ChargePath:
    currency = plan_terms(found.stretch[0]).currency
    line = _line(found, charge, lines)
    return ChargePath(
        name=formats.text_of(charge.name),
        where=_where(charge),
        price=price_words(charge, currency),
        quantity=quantity_words(meter, priced.row.quantity),
        tiers=_tiers(priced, currency),
        amount=priced.row.cost,
        cost=formats.money_exact(priced.row.cost, currency),
        day_quantity=quantity_words(meter, whole.quantity),
        day_cost=formats.money_exact(whole.cost, currency),
        day_url=_day_url(charge, whole, line),
        number=line.invoice.number if line else "",
        url=reverse("portal:invoice_line", args=[line.invoice.number, line.pk])
        if line
        else reverse("portal:upcoming"),
        late=found.late,
        late_number=_late_number(found, charge, lines),
        waived=_waived(found, charge, stopped),
    )


def _where(charge: Charge) -> str:
    """ "model gpt-4 or o1, region eu"."""
    joint = gettext(" or ")
    return ", ".join(f"{name} {joint.join(values)}" for name, values in charge.where.items())


@exact()
def _tiers(priced: PricedEvent, currency: str) -> list[TierRow]:
    """The steps that the event fell into: the working with it, less the working before it."""

    def step(row: TierPart) -> tuple[str, Decimal | None, Decimal]:
        return row.kind, row.up_to, row.unit_price

    rows = difference(priced.upto.tiers, priced.before.tiers)
    named = [*priced.before.tiers], [*priced.upto.tiers]
    names = {
        step(row): shown.name
        for parts in named
        for row, shown in zip(parts, tier_rows([one.as_data() for one in parts], currency), strict=True)
    }
    shown = tier_rows([row.as_data() for row in rows], currency)
    return [replace(one, name=names.get(step(row), one.name)) for row, one in zip(rows, shown, strict=True)]


def _lines(found: Priced, charges: Sequence[str]) -> list[InvoiceLine]:
    """The lines of the charges for the usage of the period, by the documents' age."""
    rows = InvoiceLine.objects.filter(
        account=found.period.account_id,
        period=found.period,
        kind__in=("usage", "late_usage"),
        charge__in=charges,
    )
    return list(rows.select_related("invoice").defer("invoice__snapshot").order_by("invoice__issued_at"))


def _line(found: Priced, charge: Charge, lines: Sequence[InvoiceLine]) -> InvoiceLine | None:
    """The invoice line of the stretch; None until it is issued."""
    version, start, _end = found.stretch
    own = (line for line in lines if line.kind == "usage" and line.charge == charge.code)
    return next((line for line in own if line.version_id == version.pk and line.start == start), None)


def _late_number(found: Priced, charge: Charge, lines: Sequence[InvoiceLine]) -> str:
    """The number of the later document that it stands on; "" if it came in time, or until that is issued."""
    late = (line for line in lines if line.kind == "late_usage" and line.charge == charge.code)
    after = (line.invoice for line in late if line.invoice.issued_at >= found.event.received_at)
    return next((one.number for one in after), "") if found.late else ""


def _day_url(charge: Charge, whole: ChargeDay, line: InvoiceLine | None) -> str:
    """The day's events: of its line with their costs, or else those that the charge counts."""
    day = whole.day.isoformat()
    if line is not None:
        return f"{reverse('portal:invoice_line', args=[line.invoice.number, line.pk])}?day={day}"
    query = {"from": day, "to": day, "meter": charge.meter}
    return f"{reverse('portal:events')}?{urlencode(query)}"


def _waived(found: Priced, charge: Charge, stopped: Sequence[Firing]) -> Waived | None:
    """The stop that the event came after, of the meter's own limit or the account's."""
    at = found.event.received_at
    for firing in stopped:
        crossed, resumed = firing.stop.crossed_at, firing.resumed
        # A period that ends lifts the stop for the next one: what still comes for it stays waived.
        ended = resumed is not None and resumed.cause is Cause.PERIOD
        held = resumed is None or ended or (resumed.at is not None and at < resumed.at)
        own = firing.meter is None or firing.meter.code == charge.meter
        if own and held and crossed is not None and crossed <= at:
            url = reverse("portal:limit_receipt", args=[firing.stop.pk])
            return Waived(url, firing.limit.amount or Decimal(0), at == crossed)
    return None
