"""One mail a day to staff: how many documents were issued, what they come to, and who could not be billed.

Sent at least once, with the same Message-ID on every try: what follows the summary before is one summary.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import connection
from django.db.models import Count, Sum
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation

from accounts.mailing import superusers
from accounts.scope import installation_scope
from billing.invoices.models import BillingSummary, Invoice, ParkedAccount
from billing.pricing.money import money_string

LOCK: Final = (7205, 0)
"""Of the advisory lock that one summary at a time holds."""

SHOWN: Final = 20
"""Parked accounts that the mail names; the admin lists them all."""


@dataclass(frozen=True, slots=True)
class Issued:
    """Documents of one kind and currency: how many, and their sum with tax."""

    kind: str
    currency: str
    count: int
    total: Decimal

    @property
    def sum(self) -> str:
        return f"{money_string(self.total, self.currency)} {self.currency}"

    @property
    def credit(self) -> bool:
        return self.kind == Invoice.Kind.CREDIT_NOTE


def send_summary(now: datetime) -> bool:
    """Tell staff what was billed since the last summary; False if there was nothing to tell, or nobody to tell it to.

    The first call only notes where to begin. What the mail server raises is raised: the next run tells it all.
    """
    with installation_scope():
        if not _lock():
            return False
        last = BillingSummary.objects.last()
        if last is None:
            BillingSummary.objects.create(upto=now)
            return False
        issued = issued_between(last.upto, now)
        parked = list(ParkedAccount.objects.select_related("account"))
        to = superusers()
        if not to or not (issued or parked):
            return False
        _mail(to, last.upto, now, issued, parked).send()
        BillingSummary.objects.create(upto=now)
        return True


def issued_between(after: datetime, upto: datetime) -> list[Issued]:
    """Invoices, then credit notes, by currency."""
    rows = Invoice.objects.filter(issued_at__gt=after, issued_at__lte=upto).values("kind", "currency")
    found = rows.annotate(count=Count("pk"), total=Sum("total")).order_by("-kind", "currency")
    return [Issued(**row) for row in found]


def _lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", LOCK)
        taken: bool = cursor.fetchall()[0][0]
    return taken


def _mail(
    to: Sequence[str],
    since: datetime,
    now: datetime,
    issued: Sequence[Issued],
    parked: Sequence[ParkedAccount],
) -> EmailMultiAlternatives:
    site = settings.SITE_URL
    with translation.override(settings.LANGUAGE_CODE), timezone.override(settings.TIME_ZONE):
        context: dict[str, Any] = {
            "since": since,
            "upto": now,
            "issued": issued,
            "parked": parked[:SHOWN],
            "parked_count": len(parked),
            "unnamed": len(parked[SHOWN:]),
            "count": sum(each.count for each in issued),
            "language": translation.get_language(),
            "url": site + reverse("admin:invoices_invoice_changelist"),
            "parked_url": site + reverse("admin:invoices_parkedaccount_changelist"),
        }
        subject = render_to_string("email/billing_summary_subject.txt", context).strip()
        context["subject"] = subject
        name = f"billing-{int(since.timestamp())}@{urlsplit(site).hostname or 'localhost'}"
        mail = EmailMultiAlternatives(
            subject=subject,
            body=render_to_string("email/billing_summary.txt", context),
            to=list(to),
            headers={"Message-ID": f"<{name}>", "Auto-Submitted": "auto-generated"},
        )
        mail.attach_alternative(render_to_string("email/billing_summary.html", context), "text/html")
    return mail
