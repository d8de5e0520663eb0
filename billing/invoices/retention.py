"""Which raw events may go: none behind an invoice within its legal term, none that is still to be priced.

Terms (docs/operating.md): `INVOICE_EVENTS_YEARS` after the year of the last document that says something of a
period; `EVENT_RETENTION_DAYS` after the end of a period that no document speaks of. A period goes as a whole.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db.models import Max, Q
from django.utils import timezone

from accounts.models import Account
from accounts.scope import installation_scope
from billing.invoices.models import Invoice
from billing.plans.models import Period, Subscription
from billing.usage.retention import Span, purge_account, purge_quarantine


@dataclass(frozen=True, slots=True)
class Purge:
    """How many raw and quarantined events went, or would go."""

    events: int
    quarantined: int


def accounts_with_periods() -> list[Account]:
    """Those that can have usage."""
    with installation_scope():
        return list(Account.objects.filter(periods__isnull=False).distinct().order_by("code"))


def purge_usage(
    accounts: list[Account], dry_run: bool = False, progress: Callable[[Account], object] = lambda _: None
) -> Purge:
    """Let go of what is past its term; day totals and documents stay. Safe to break off and to run twice at once."""
    events = 0
    for account in accounts:
        events += purge_account(account, purgeable, dry_run)
        progress(account)
    return Purge(events, purge_quarantine(timezone.now(), dry_run))


def purgeable(account: Account) -> list[Span]:
    """The stretches of the account's time whose raw events are past every term, in order; inside its scope."""
    now = timezone.now()
    before = now - timedelta(days=max(settings.EVENT_RETENTION_DAYS, settings.LATE_DAYS))
    periods = list(Period.objects.filter(account=account).order_by("start", "end"))
    if not periods:
        return []  # events lie in periods only
    late_from, issued = _priced_again_from(account), _last_issued(account)
    spans, free_from = list[Span](), periods[0].start
    for period in periods:
        open_ = period.closed_at is None or period.end > min(before, late_from or before)
        if open_ or _within_term(issued.get(period.pk), now):
            if free_from < min(period.start, before):
                spans.append((free_from, min(period.start, before)))
            free_from = max(free_from, period.end)
    if free_from < before:
        spans.append((free_from, before))
    return spans


def _priced_again_from(account: Account) -> datetime | None:
    """Periods that end after this may get a `late_usage` line on the next invoice; None: there will be none."""
    if not Subscription.objects.filter(account=account, canceled_at=None).exists():
        return None
    last = Period.objects.filter(account=account).aggregate(at=Max("closed_at"))["at"]
    return None if last is None else last - timedelta(days=settings.LATE_DAYS)


def _last_issued(account: Account) -> dict[int, datetime]:
    """By period: when the last document was issued that says something of its usage."""
    found = dict[int, datetime]()
    documents = Invoice.objects.filter(account=account)
    closing = documents.filter(closes__isnull=False).values_list("closes", "issued_at")
    lines = documents.filter(~Q(lines__kind="base"), lines__period__isnull=False)
    for period, at in [*closing, *lines.values_list("lines__period", "issued_at").distinct()]:
        found[period] = max(at, found.get(period, at))
    return found


def _within_term(issued_at: datetime | None, now: datetime) -> bool:
    """Law counts from the end of the year."""
    if issued_at is None:
        return False
    return now < datetime(issued_at.year + settings.INVOICE_EVENTS_YEARS + 1, 1, 1, tzinfo=UTC)
