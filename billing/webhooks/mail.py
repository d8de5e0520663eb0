"""Tells people by mail that we have switched a webhook off.

Sent at least once, with the same Message-ID on every try, as alerts are (billing/limits/mail.py).
"""

import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import timezone, translation

from accounts.mailing import recipients, superusers
from accounts.models import Account, Mail
from accounts.scope import installation_scope
from billing.webhooks.models import Endpoint

GIVE_UP: Final = timedelta(days=3)

log = logging.getLogger("plainbill.webhooks")


def send_notices() -> int:
    """Send the mails that are due; how many the backend took. One that another worker is sending is left to it."""
    with installation_scope():
        due = Endpoint.objects.exclude(off__in=("", Endpoint.Off.BY_HAND)).filter(
            told_at=None, off_at__gt=timezone.now() - GIVE_UP
        )
        waiting = list(due.values_list("pk", flat=True))
    return sum(_send(pk) for pk in waiting)


def told(account: Account | None) -> list[str]:
    """The account's people who want to know; of the installation's endpoints its superusers."""
    if account is None:
        return superusers()
    return [one.address for one in recipients(account, Mail.WEBHOOK)]


def message(endpoint: Endpoint, to: Sequence[str]) -> EmailMultiAlternatives:
    """The mail in the account's language and time zone."""
    account = endpoint.account
    language = account.locale.replace("_", "-") if account else settings.LANGUAGE_CODE
    zone = account.timezone if account else settings.TIME_ZONE
    with translation.override(language), timezone.override(zone):
        context: dict[str, Any] = {
            "account": account,
            "endpoint": endpoint,
            "gone": endpoint.off == Endpoint.Off.GONE,
            "host": urlsplit(endpoint.url).hostname,
            "language": translation.get_language(),
            "url": f"{settings.SITE_URL}/billing/settings/webhooks/",
            "choices_url": f"{settings.SITE_URL}/billing/settings/notifications/",
        }
        subject = render_to_string("email/webhook_off_subject.txt", context).strip()
        context["subject"] = subject
        mail = EmailMultiAlternatives(
            subject=subject,
            body=render_to_string("email/webhook_off.txt", context),
            to=list(to),
            headers={"Message-ID": message_id(endpoint), "Auto-Submitted": "auto-generated"},
        )
        mail.attach_alternative(render_to_string("email/webhook_off.html", context), "text/html")
    return mail


def message_id(endpoint: Endpoint) -> str:
    """The same on every try; another one when it is switched off another time."""
    when = int(endpoint.off_at.timestamp()) if endpoint.off_at else 0
    return f"<webhook-{endpoint.pk}-{when}@{urlsplit(settings.SITE_URL).hostname or 'localhost'}>"


def _send(pk: UUID) -> int:
    with installation_scope(), transaction.atomic():
        rows = Endpoint.objects.select_for_update(skip_locked=True, of=("self",)).select_related("account")
        endpoint = rows.filter(pk=pk, told_at=None).exclude(off="").first()
        if endpoint is None:
            return 0
        to = told(endpoint.account)
        try:
            if to:
                message(endpoint, to).send()
        except Exception as error:  # whatever a mail server does, the next try is due
            log.warning("The notice about webhook %s could not be mailed, it is tried again: %s", pk, error)
            return 0
        Endpoint.objects.filter(pk=endpoint.pk).update(told_at=timezone.now())
        return len(to) and 1
