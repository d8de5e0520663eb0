"""What one charge of a plan made of an event: its price, its step, its day, its invoice line, a waiver."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from billing.invoices.models import InvoiceLine
from billing.limits.queries import Cause, Firing
from billing.plans.models import Meter, Period, PlanVersion
from billing.plans.queries import plan_terms
from billing.pricing.charges import Charge
from billing.pricing.dates import local_date
from billing.pricing.models.parts import TierPart, difference
from billing.pricing.money import exact
from billing.usage.charge_days import ChargeDay, charge_days
from billing.usage.queries import EventDetail, PricedEvent, event_of_line
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
    """An event that `charge` prices, in the stretch of `period` on one plan version that holds it."""

    period: Period
    stretch: Stretch
    meter: Meter
    charge: Charge
    event: EventDetail

    @property
    def end(self) -> datetime:
        """Up to when levels count: in an open period up to now."""
        end = self.stretch[2]
        return end if self.period.closed_at else max(min(end, timezone.now()), self.event.time)


def charge_path(found: Priced, stopped: Sequence[Firing]) -> ChargePath:
    currency = plan_terms(found.stretch[0]).currency
    priced = event_of_line(found.period, found.charge, found.end, found.event)
    day = local_date(found.event.time, found.period.timezone)
    (whole,) = charge_days(found.period, found.charge, *found.stretch[1:], [day])
    line, late = _line(found), _is_late(found)
    return ChargePath(
        name=formats.text_of(found.charge.name),
        where=_where(found.charge),
        price=price_words(found.charge, currency),
        quantity=quantity_words(found.meter, priced.row.quantity),
        tiers=_tiers(priced, currency),
        amount=priced.row.cost,
        cost=formats.money_exact(priced.row.cost, currency),
        day_quantity=quantity_words(found.meter, whole.quantity),
        day_cost=formats.money_exact(whole.cost, currency),
        day_url=_day_url(found, whole, line),
        number=line.invoice.number if line else "",
        url=reverse("portal:invoice_line", args=[line.invoice.number, line.pk])
        if line
        else reverse("portal:upcoming"),
        late=late,
        late_number=_late_number(found) if late else "",
        waived=_waived(found, stopped),
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


def _line(found: Priced) -> InvoiceLine | None:
    """The invoice line of its charge; None until it is issued."""
    version, start, _end = found.stretch
    lines = InvoiceLine.objects.filter(
        account=found.period.account_id, period=found.period, kind="usage", charge=found.charge.code
    )
    return lines.filter(version=version, start=start).select_related("invoice").first()


def _is_late(found: Priced) -> bool:
    closed = found.period.closed_at
    return closed is not None and found.event.received_at > closed


def _late_number(found: Priced) -> str:
    lines = InvoiceLine.objects.filter(
        account=found.period.account_id, period=found.period, kind="late_usage", charge=found.charge.code
    )
    after = lines.filter(invoice__issued_at__gte=found.event.received_at).order_by("invoice__issued_at")
    return after.values_list("invoice__number", flat=True).first() or ""


def _day_url(found: Priced, whole: ChargeDay, line: InvoiceLine | None) -> str:
    """The day's events: of its line with their costs, or else those that the charge counts."""
    day = whole.day.isoformat()
    if line is not None:
        return f"{reverse('portal:invoice_line', args=[line.invoice.number, line.pk])}?day={day}"
    query = {"from": day, "to": day, "meter": found.charge.meter}
    return f"{reverse('portal:events')}?{urlencode(query)}"


def _waived(found: Priced, stopped: Sequence[Firing]) -> Waived | None:
    """The stop that the event came after, of the meter's own limit or the account's."""
    at = found.event.received_at
    for firing in stopped:
        crossed, resumed = firing.stop.crossed_at, firing.resumed
        # A period that ends lifts the stop for the next one: what still comes for it stays waived.
        ended = resumed is not None and resumed.cause is Cause.PERIOD
        held = resumed is None or ended or (resumed.at is not None and at < resumed.at)
        own = firing.meter is None or firing.meter.code == found.charge.meter
        if own and held and crossed is not None and crossed <= at:
            url = reverse("portal:limit_receipt", args=[firing.stop.pk])
            return Waived(url, firing.limit.amount or Decimal(0), at == crossed)
    return None
