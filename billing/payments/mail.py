"""Mails about documents: one that was issued, with its PDF, and a reminder of one that is overdue."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation

from accounts.mailing import Recipient, deliver
from accounts.models import Account, Mail
from billing.invoices.models import Invoice
from billing.invoices.paper import days
from billing.invoices.paper.figures import Figures, locale_of
from billing.invoices.paper.transfer import transfer_rows
from billing.invoices.pdf import invoice_pdf
from billing.invoices.queries import open_amount
from billing.payments.collecting import charged_by_itself, next_try
from billing.payments.models import Attempt, Notice
from billing.payments.notices import note_due, still_due

_MAILS: Final[Mapping[str, Mail]] = {
    Notice.Kind.ISSUED: Mail.ISSUED,
    Notice.Kind.REMINDER: Mail.REMINDER,
    Notice.Kind.DECLINED: Mail.DECLINED,
}


def send_notices_of(account: Account, now: datetime) -> int:
    """Send the account's mails that are due; the number that the mail server took. Call it in the account's scope.

    What fails is kept with its error and tried again, for three days.
    """
    sent = 0
    for notice in note_due(account.pk, now):
        row = Notice.objects.filter(pk=notice.pk)
        if not still_due(notice):
            row.delete()
            continue
        found = deliver(account, _MAILS[notice.kind], notice.recipients, partial(message, account, notice))
        at = None if found.error else timezone.now()
        row.update(recipients=found.taken, error=found.error, sent_at=at)
        sent += found.sent
    return sent


def message(account: Account, notice: Notice, to: Recipient) -> EmailMultiAlternatives:
    """The mail in the recipient's language; its Message-ID is the same on every try."""
    invoice = notice.invoice
    with translation.override(to.language), timezone.override(account.timezone):
        context = _context(account, notice, to)
        name = f"invoice_{notice.kind}"
        subject = " ".join(render_to_string(f"email/{name}_subject.txt", context).split())
        context["subject"] = subject
        mail = EmailMultiAlternatives(
            subject=subject,
            body=render_to_string(f"email/{name}.txt", context),
            to=[to.address],
            headers={"Message-ID": _message_id(notice), "Auto-Submitted": "auto-generated"},
        )
        mail.attach_alternative(render_to_string(f"email/{name}.html", context), "text/html")
    mail.attach(f"{invoice.number}.pdf", invoice_pdf(invoice), "application/pdf")
    return mail


def _context(account: Account, notice: Notice, to: Recipient) -> dict[str, Any]:
    invoice = notice.invoice
    figures = Figures(locale_of(to.language), invoice.currency)
    left = open_amount(invoice)
    due = invoice.due_at.astimezone(ZoneInfo(account.timezone)).date()
    return {
        "account": account,
        "number": invoice.number,
        "seller": invoice.snapshot["seller"]["name"],
        "credit_note": invoice.kind == Invoice.Kind.CREDIT_NOTE,
        "total": figures.money(invoice.total),
        "open": figures.money(left) if left else "",
        "due": days.day(due, figures.locale),
        "bank": transfer_rows(invoice, left, figures),
        "language": translation.get_language(),
        "to": to,
        "url": settings.SITE_URL + reverse("portal:invoice", args=[invoice.number]),
        **_by_card(account, notice, to, bool(left)),
    }


def _by_card(account: Account, notice: Notice, to: Recipient, is_open: bool) -> dict[str, Any]:
    """`card`: the one that pays the document, or paid it; of a declined one also why, and when it is tried again."""
    attempt = Attempt.objects.filter(invoice=notice.invoice).select_related("card").first()
    if notice.kind == Notice.Kind.ISSUED:
        if attempt is None:
            card = charged_by_itself(notice.invoice) if is_open else None
        else:
            card = None if attempt.state in (Attempt.State.FAILED, Attempt.State.WAITING) else attempt.card
        return {"card": str(card), "bank": ()} if card else {}
    if notice.kind != Notice.Kind.DECLINED or attempt is None:
        return {}
    again = next_try(notice.invoice)
    local = again and again.astimezone(ZoneInfo(account.timezone)).date()
    return {
        "card": str(attempt.card),
        "words": attempt.words,
        "confirm": attempt.needs_customer,
        "next_try": days.day(local, locale_of(to.language)) if local else "",
    }


def _message_id(notice: Notice) -> str:
    return f"<invoice-{notice.pk}@{urlsplit(settings.SITE_URL).hostname or 'localhost'}>"
