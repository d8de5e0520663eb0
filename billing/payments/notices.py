"""Which mails about documents are due: each issued one's, and reminders of what is not paid after its day.

A reminder that is late by days does not bring the earlier ones after it: the highest that is due is the one to send.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet

from accounts.scope import installation_scope
from billing.invoices.models import Invoice
from billing.invoices.queries import open_amount
from billing.payments.models import Hold, Notice

TELL_WITHIN: Final = timedelta(days=3)
"""A document that is older when we first see it is not announced any more: history that was taken over."""

REMIND_WITHIN: Final = timedelta(days=180)
"""What is overdue for longer is not for a machine to remind of."""


def accounts_to_tell(now: datetime, *, reminders: bool = False) -> list[int]:
    """Accounts (ids) with mails that are due or were not sent yet; with `reminders` also those with overdue invoices,
    which are many more to look through.
    """
    with installation_scope():
        due = [_unannounced(now), _unsent(now), *([_overdue(now)] if reminders else [])]
        found = {pk for rows in due for pk in rows.values_list("account_id", flat=True).distinct()}
    return sorted(found)


def note_due(account_id: int, now: datetime) -> list[Notice]:
    """Write down which mails of the account are due, each once, whoever asks; then all that wait, locked for sending.

    Call it in a transaction; what another worker is sending is left to it.
    """
    due = [Notice(invoice=each, kind=Notice.Kind.ISSUED) for each in _unannounced(now, account_id)]
    for invoice in _overdue(now, account_id):
        number = reminders_due(invoice, now)
        if number and open_amount(invoice) and not _reminded(invoice, number):
            due.append(Notice(invoice=invoice, kind=Notice.Kind.REMINDER, number=number))
    for notice in due:
        notice.account_id, notice.created_at = account_id, now
    Notice.objects.bulk_create(due, ignore_conflicts=True)
    waiting = _unsent(now).filter(account=account_id).select_for_update(skip_locked=True, of=("self",))
    return list(waiting.select_related("invoice").order_by("invoice__sequence", "number"))


def reminders_due(invoice: Invoice, now: datetime) -> int:
    """How many reminders would have been sent by now."""
    return sum(invoice.due_at + timedelta(days=days) <= now for days in settings.REMINDER_DAYS)


def is_on_hold(invoice: Invoice) -> bool:
    """Whether a question about it is open."""
    return Hold.objects.filter(invoice=invoice, answered_at=None).exists()


def _unannounced(now: datetime, account_id: int | None = None) -> QuerySet[Invoice]:
    """Documents with a PDF that nobody was told of."""
    told = Notice.objects.filter(invoice=OuterRef("pk"), kind=Notice.Kind.ISSUED)
    rows = Invoice.objects.filter(~Exists(told), issued_at__gt=now - TELL_WITHIN, document__isnull=False)
    return _of(rows, account_id).order_by("sequence")


def _overdue(now: datetime, account_id: int | None = None) -> QuerySet[Invoice]:
    """Invoices past the day of a reminder that was not written down yet; some may be paid."""
    days: Sequence[int] = settings.REMINDER_DAYS
    if not days:
        return Invoice.objects.none()
    last = Notice.objects.filter(invoice=OuterRef("pk"), kind=Notice.Kind.REMINDER, number=len(days))
    asked = Hold.objects.filter(invoice=OuterRef("pk"), answered_at=None)
    rows = Invoice.objects.filter(
        ~Exists(last),
        ~Exists(asked),
        kind=Invoice.Kind.INVOICE,
        amount_due__gt=0,
        due_at__lte=now - timedelta(days=min(days)),
        due_at__gt=now - REMIND_WITHIN,
    )
    return _of(rows, account_id).order_by("due_at")


def _reminded(invoice: Invoice, number: int) -> bool:
    return Notice.objects.filter(invoice=invoice, kind=Notice.Kind.REMINDER, number__gte=number).exists()


def _unsent(now: datetime) -> QuerySet[Notice]:
    return Notice.objects.filter(sent_at=None, created_at__gt=now - TELL_WITHIN)


def _of(rows: QuerySet[Invoice], account_id: int | None) -> QuerySet[Invoice]:
    return rows if account_id is None else rows.filter(account=account_id)


def still_due(notice: Notice) -> bool:
    """Whether it is still to be sent: no reminder of what was paid, or asked about, since it was written down; of a
    declined card nothing once it is paid."""
    if notice.kind == Notice.Kind.ISSUED:
        return True
    if notice.kind == Notice.Kind.DECLINED:
        return bool(open_amount(notice.invoice))
    return bool(open_amount(notice.invoice)) and not is_on_hold(notice.invoice)
