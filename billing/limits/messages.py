"""What people are told by mail, each in his language: a threshold, the pace, and the drill. Times are the account's."""

from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import timezone, translation

from accounts.mailing import Recipient
from accounts.models import Account
from billing.limits.models import Alert, Drill, LimitVersion
from billing.limits.queries.standing import share_of
from billing.pricing.charges import localized
from billing.pricing.money import ZERO

AT_THE_LIMIT = 100


def alert_message(account: Account, alert: Alert, to: Recipient) -> EmailMultiAlternatives:
    """The mail about `alert`; its Message-ID is the same on every try."""
    name = "limit_pace" if alert.threshold == Alert.PACE else "limit_threshold"
    return _message(account, alert, to, name, message_id("alert", alert.pk))


def drill_message(account: Account, drill: Drill, to: Recipient) -> EmailMultiAlternatives:
    """The mail that reaching the limit would send, marked as a test in subject and text."""
    reached = Alert(
        account=account,
        limit=drill.limit,
        period=drill.period,
        threshold=AT_THE_LIMIT,
        spent=drill.limit.amount or ZERO,
        created_at=drill.created_at,
    )
    return _message(account, reached, to, "limit_threshold", message_id("drill", drill.pk), drill=drill)


def message_id(kind: str, key: UUID) -> str:
    return f"<{kind}-{key}@{urlsplit(settings.SITE_URL).hostname or 'localhost'}>"


def _message(
    account: Account, alert: Alert, to: Recipient, name: str, mail_id: str, **more: Any
) -> EmailMultiAlternatives:
    with translation.override(to.language), timezone.override(account.timezone):
        context = {**_context(account, alert, to), **more}
        subject = " ".join(render_to_string(f"email/{name}_subject.txt", context).splitlines()).strip()
        context["subject"] = subject
        mail = EmailMultiAlternatives(
            subject=subject,
            body=render_to_string(f"email/{name}.txt", context),
            to=[to.address],
            headers={"Message-ID": mail_id, "Auto-Submitted": "auto-generated"},
        )
        mail.attach_alternative(render_to_string(f"email/{name}.html", context), "text/html")
    return mail


def _context(account: Account, alert: Alert, to: Recipient) -> dict[str, Any]:
    limit = alert.limit
    amount = limit.amount if limit.amount is not None else ZERO
    scope = [localized(limit.meter.name, to.language)] if limit.meter else []
    return {
        "account": account,
        "alert": alert,
        "limit": limit,
        "who": " · ".join([account.name, *scope]),
        "period": alert.period,
        "share": share_of(alert.spent, amount),
        "stopped": limit.action == LimitVersion.Action.STOP and alert.spent >= amount,
        "language": translation.get_language(),
        "to": to,
        "url": f"{settings.SITE_URL}/billing/limits/",
    }
