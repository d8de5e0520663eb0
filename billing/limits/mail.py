"""Tells people by mail that a threshold was reached.

Thresholds that were passed together (one version, one instant) are one mail, about the highest. A mail is sent at least
once: `sent_at` is set after the backend took it, and every try carries the same Message-ID, so a mailbox keeps one.
"""

import logging
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db.models import Exists, OuterRef
from django.template.loader import render_to_string
from django.utils import timezone, translation

from accounts.models import Account, Membership, Role
from billing.limits.models import Alert, LimitVersion
from billing.limits.queries.standing import share_of
from billing.pricing.charges import localized

GIVE_UP: Final = timedelta(days=3)
_TOLD: Final = (Role.OWNER, Role.BILLING)

log = logging.getLogger("plainbill.limits")


def send_alerts(account: Account) -> int:
    """Send the account's alerts that were not sent yet; the number of mails that the backend took.

    Mails that another worker is sending are left to it. What fails is kept with its error and tried again, for three
    days.
    """
    unsent = Alert.objects.filter(
        account=account, sent_at=None, created_at__gt=timezone.now() - GIVE_UP
    ).order_by("created_at", "limit_id")
    higher = unsent.filter(
        created_at=OuterRef("created_at"), limit=OuterRef("limit"), threshold__gt=OuterRef("threshold")
    )
    # One row stands for its mail: were each locked, two senders could share the rows and send a mail each.
    highest = unsent.exclude(Exists(higher)).select_for_update(skip_locked=True, of=("self",))
    return sum(_send(account, alert) for alert in highest.select_related("limit__meter", "period"))


def recipients(account: Account) -> list[str]:
    """The account's own address, its owners and its billing members; each once."""
    members = Membership.objects.filter(account=account, role__in=_TOLD, user__is_active=True).order_by(
        "user__email"
    )
    found = [account.email, *members.values_list("user__email", flat=True)]
    once: dict[str, str] = {}
    for address in found:
        once.setdefault(address.casefold(), address)
    return list(once.values())


def message(account: Account, alert: Alert, to: Sequence[str]) -> EmailMultiAlternatives:
    """The mail about `alert` in the account's language and time zone."""
    with translation.override(account.locale.replace("_", "-")), timezone.override(account.timezone):
        context = _context(account, alert)
        subject = " ".join(
            render_to_string("email/limit_threshold_subject.txt", context).splitlines()
        ).strip()
        context["subject"] = subject
        mail = EmailMultiAlternatives(
            subject=subject,
            body=render_to_string("email/limit_threshold.txt", context),
            to=list(to),
            headers={"Message-ID": message_id(alert), "Auto-Submitted": "auto-generated"},
        )
        mail.attach_alternative(render_to_string("email/limit_threshold.html", context), "text/html")
    return mail


def message_id(alert: Alert) -> str:
    """The same on every try."""
    return f"<alert-{alert.pk}@{urlsplit(settings.SITE_URL).hostname or 'localhost'}>"


def _context(account: Account, alert: Alert) -> dict[str, Any]:
    limit = alert.limit
    amount = limit.amount or Decimal(0)
    scope = [localized(limit.meter.name, account.locale)] if limit.meter else []
    return {
        "account": account,
        "alert": alert,
        "limit": limit,
        "who": " · ".join([account.name, *scope]),
        "period": alert.period,
        "share": share_of(alert.spent, amount),
        "stopped": limit.action == LimitVersion.Action.STOP and alert.spent >= amount,
        "language": translation.get_language(),
        "url": f"{settings.SITE_URL}/billing/limits/",
    }


def _send(account: Account, alert: Alert) -> int:
    """Mail `alert`, the highest of those that were passed together, and write down for all of them what came of it."""
    to = recipients(account)
    together = Alert.objects.filter(
        account=account, limit=alert.limit_id, created_at=alert.created_at, sent_at=None
    )
    try:
        message(account, alert, to).send()
    except Exception as error:  # whatever a mail server does, the next try is due
        log.warning("The alert %s could not be mailed, it will be tried again: %s", alert.pk, error)
        together.update(error=f"{type(error).__name__}: {error}"[:300])
        return 0
    together.update(sent_at=timezone.now(), recipients=to, error="")
    return 1
