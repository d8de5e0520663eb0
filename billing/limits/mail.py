"""Sends what people are told about limits: alerts and drills, each until everybody has it.

Thresholds that were passed together (one version, one instant) are one mail, about the highest. Each recipient gets
a mail of his own, so that one bad address holds up no other and is named. A mail is sent at least once: it is written
down after the backend took it, and every try carries the same Message-ID, so a mailbox keeps one.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import timedelta
from smtplib import SMTPRecipientsRefused, SMTPResponseException
from typing import Final

from django.core.mail import EmailMultiAlternatives
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from accounts.models import Account, Membership, Role
from billing.limits.actions.stops import untimed_stops
from billing.limits.messages import alert_message, drill_message
from billing.limits.models import Alert, Drill

GIVE_UP: Final = timedelta(days=3)
_TOLD: Final = (Role.OWNER, Role.BILLING)
_ERROR_LENGTH: Final = 300

log = logging.getLogger("plainbill.limits")

type Rows = QuerySet[Alert] | QuerySet[Drill]


def send_alerts(account: Account) -> int:
    """Send the account's alerts and drills that were not sent yet; the number of mails that the backend took.

    Mails that another worker is sending are left to it. What fails is kept with its error and tried again, for three
    days.
    """
    return sum(_send_alert(account, alert) for alert in _unsent_alerts(account)) + sum(
        _send_drill(account, drill) for drill in _unsent_drills(account)
    )


def anything_new(account: Account) -> bool:
    """Whether the account has a mail that nobody tried to send, or a stop that is not timed."""
    untried = {"account": account, "sent_at": None, "error": ""}
    return any(
        rows.exists()
        for rows in (
            Alert.objects.filter(**untried),
            Drill.objects.filter(**untried),
            untimed_stops().filter(account=account),
        )
    )


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


def _unsent_alerts(account: Account) -> QuerySet[Alert]:
    unsent = Alert.objects.filter(
        account=account, sent_at=None, created_at__gt=timezone.now() - GIVE_UP
    ).order_by("created_at", "limit_id")
    higher = unsent.filter(
        created_at=OuterRef("created_at"), limit=OuterRef("limit"), threshold__gt=OuterRef("threshold")
    )
    # One row stands for its mail: were each locked, two senders could share the rows and send a mail each.
    highest = unsent.exclude(Exists(higher)).select_for_update(skip_locked=True, of=("self",))
    return highest.select_related("limit__meter", "period")


def _unsent_drills(account: Account) -> QuerySet[Drill]:
    unsent = Drill.objects.filter(account=account, sent_at=None, created_at__gt=timezone.now() - GIVE_UP)
    waiting = unsent.select_for_update(skip_locked=True, of=("self",)).order_by("created_at")
    return waiting.select_related("limit__meter", "period", "asked_by")


def _send_alert(account: Account, alert: Alert) -> int:
    """Mail `alert`, the highest of those that were passed together, and write down for all of them what came of it."""
    together = Alert.objects.filter(
        account=account, limit=alert.limit_id, created_at=alert.created_at, sent_at=None
    )
    return _deliver(account, alert.recipients, lambda to: alert_message(account, alert, to), together)


def _send_drill(account: Account, drill: Drill) -> int:
    row = Drill.objects.filter(pk=drill.pk)
    return _deliver(account, drill.recipients, lambda to: drill_message(account, drill, to), row)


def _deliver(
    account: Account,
    had_it: Sequence[str],
    message: Callable[[Sequence[str]], EmailMultiAlternatives],
    rows: Rows,
) -> int:
    """Mail everybody who has not had it; `rows` keep who has, and why the others have not."""
    taken, failed = list(had_it), list[str]()
    for address in recipients(account):
        if address in taken:
            continue
        try:
            message([address]).send()
        except Exception as error:  # whatever a mail server does, the next try is due
            log.warning("A mail to %s failed, it will be tried again: %s", address, error)
            failed.append(f"{address}: {_reason(error)}")
        else:
            taken.append(address)
    rows.update(
        recipients=taken,
        error="; ".join(failed)[:_ERROR_LENGTH],
        sent_at=None if failed else timezone.now(),
    )
    return len(taken) - len(had_it)


def _reason(error: Exception) -> str:
    """What the mail server said, else what happened."""
    if isinstance(error, SMTPRecipientsRefused):
        code, said = next(iter(error.recipients.values()))
        return f"{code} {_text(said)}"
    if isinstance(error, SMTPResponseException):
        return f"{error.smtp_code} {_text(error.smtp_error)}"
    return f"{type(error).__name__}: {error}"


def _text(said: bytes | str) -> str:
    return said.decode(errors="replace") if isinstance(said, bytes) else said
