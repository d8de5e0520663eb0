"""The receipt of a stop, as a bank would print it; and the stops of an account as rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext, ngettext

from accounts.models import Account
from billing.invoices.models import InvoiceLine
from billing.limits.models import LimitVersion
from billing.limits.queries import Cause, Firing, Receipt, receipt, receipt_of
from billing.limits.queries.receipts import Resumption
from billing.plans.models import Period
from billing.usage.rating import RatedPeriod
from portal import dates, formats


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of a receipt. `at`: the instant that `text` says; `grand`: the figure that it is about."""

    name: str
    text: str
    at: datetime | None = None
    grand: bool = False


@dataclass(frozen=True, slots=True)
class ReceiptPage:
    """`story` says it in one sentence. `invoice` is the number of the one with the waiver, once there is one."""

    id: UUID
    number: str
    story: str
    facts: Sequence[Fact]
    period: Period
    zone: str
    note: str
    invoice: str
    still: bool


@dataclass(frozen=True, slots=True)
class StopRow:
    """A stop in a list: what is left once its money is left out."""

    id: UUID
    number: str
    at: datetime
    limit: str
    refused: int
    resumed: str


def receipt_page(account: Account, stop: UUID) -> ReceiptPage | None:
    found = receipt(account, stop)
    return shown(account, found) if found else None


def newest_receipt(
    account: Account, found: Sequence[Firing], rated: RatedPeriod | None
) -> ReceiptPage | None:
    """`rated`: the running period, if it was priced already."""
    return shown(account, receipt_of(found[0], rated)) if found else None


def stop_row(account: Account, firing: Firing) -> StopRow:
    resumed = by_words(account, firing.resumed) if firing.resumed else gettext("not yet")
    return StopRow(
        firing.stop.pk, firing.number, firing.at, limit_words(account, firing.limit), firing.refused, resumed
    )


def shown(account: Account, found: Receipt) -> ReceiptPage:
    firing = found.firing
    version = firing.resumed.version if firing.resumed else None
    return ReceiptPage(
        id=firing.stop.pk,
        number=firing.number,
        story=_story(account, found),
        facts=list(_facts(account, found)),
        period=firing.period,
        zone=dates.zone_label(account.timezone, firing.at),
        note=version.note if version else "",
        invoice=_invoice(firing.period) if found.waived else "",
        still=firing.resumed is None,
    )


def limit_words(account: Account, limit: LimitVersion) -> str:
    """ "€400.00, account"."""
    scope = formats.text_of(limit.meter.name) if limit.meter else gettext("account")
    amount = formats.money(limit.amount or Decimal(0), account.currency)
    return gettext("%(amount)s, %(scope)s") % {"amount": amount, "scope": scope}


def by_words(account: Account, resumed: Resumption) -> str:
    """Who or what let usage go on: "M. Diallo, limit raised to €500.00", "new period"."""
    if resumed.cause is Cause.PERIOD:
        return gettext("new period")
    if resumed.cause is Cause.WITHDRAWN or resumed.version is None:
        return gettext("usage was withdrawn")
    return gettext("%(who)s, %(what)s") % {
        "who": author(resumed.version),
        "what": _change_words(resumed.version, account.currency),
    }


def _change_words(version: LimitVersion, currency: str) -> str:
    if version.amount is None:
        return gettext("limit removed")
    if version.action != LimitVersion.Action.STOP:
        return gettext("limit only tells now")
    return gettext("limit raised to %(amount)s") % {"amount": formats.money(version.amount, currency)}


def author(version: LimitVersion) -> str:
    """Who set a version: a member, the seller's staff by name, or a machine."""
    if version.note:
        return gettext("%(seller)s support, %(who)s") % {
            "seller": settings.SELLER.name,
            "who": version.created_by or gettext("staff"),
        }
    return str(version.created_by or gettext("API"))


def precise(instant: datetime) -> str:
    """ "31 Oct, 21:47:11.318", in French with a comma."""
    mark = formats.number(Decimal("0.1"), 1)[1]
    return f"{dates.moment(instant)}{mark}{instant.microsecond // 1000:03d}"


def _facts(account: Account, found: Receipt) -> Iterator[Fact]:
    firing, currency = found.firing, account.currency
    crossed, enforced, delay = firing.stop.crossed_at, firing.enforced_at, firing.delay
    yield Fact(gettext("Limit"), limit_words(account, firing.limit))
    if crossed:
        yield Fact(gettext("Crossed"), precise(crossed), crossed)
    else:
        yield Fact(gettext("Crossed"), gettext("being timed") if firing.stop.reached else gettext("never"))
    if enforced:
        yield Fact(gettext("Enforced"), precise(enforced), enforced)
    else:
        yield Fact(gettext("Enforced"), gettext("nothing was refused"))
    if delay is not None:
        seconds = formats.number(Decimal(delay.total_seconds()).quantize(Decimal("0.001")), 3)
        yield Fact(gettext("Between the two"), gettext("%(seconds)s s") % {"seconds": seconds})
    yield Fact(gettext("Requests refused"), formats.number(firing.refused))
    counted = gettext("Usage after limits on meters") if found.by_meters else gettext("Usage counted")
    yield Fact(counted, formats.money(found.usage, currency))
    if found.waived_before:
        yield Fact(gettext("Waived before, by this limit"), formats.money(-found.waived_before, currency))
    yield Fact(gettext("Overrun, waived"), formats.money(-found.waived, currency), grand=True)
    yield Fact(gettext("Usage you pay for"), formats.money(found.payable, currency))
    resumed = firing.resumed
    if resumed is None:
        yield Fact(gettext("Resumed"), gettext("not yet"))
        return
    if resumed.at:
        yield Fact(gettext("Resumed"), precise(resumed.at), resumed.at)
    yield Fact(gettext("By"), by_words(account, resumed))


def _story(account: Account, found: Receipt) -> str:
    firing = found.firing
    amount = formats.money(firing.limit.amount or Decimal(0), account.currency)
    if not firing.stop.reached:
        words = ngettext(
            "%(count)s request that would have passed %(amount)s was refused; the limit was never crossed.",
            "%(count)s requests that would have passed %(amount)s were refused; the limit was never crossed.",
            firing.refused,
        )
        return words % {"count": formats.number(firing.refused), "amount": amount}
    if not found.waived and found.by_meters:
        words = gettext("Usage reached %(amount)s. What came after it is waived by limits on meters.")
        return words % {"amount": amount}
    if not found.waived:
        return gettext("Usage reached %(amount)s, and nothing passed it.") % {"amount": amount}
    waived = formats.money(found.waived, account.currency)
    return gettext("Usage reached %(amount)s. What came after it, %(waived)s, is waived.") % {
        "amount": amount,
        "waived": waived,
    }


def _invoice(period: Period) -> str:
    """The number of the invoice that waives it; "" until it is issued."""
    lines = InvoiceLine.objects.filter(account=period.account_id, kind="limit_waiver", period=period)
    return lines.order_by("invoice__issued_at").values_list("invoice__number", flat=True).first() or ""
