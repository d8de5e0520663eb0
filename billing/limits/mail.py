"""Sends what people are told about limits: alerts and drills, each until everybody has it.

Thresholds that were passed together (one version, one instant) are one mail, about the highest. How a mail goes out is
in accounts/mailing.py.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

from django.core.mail import EmailMultiAlternatives
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from accounts.mailing import Recipient, deliver
from accounts.models import Account, Mail
from billing.limits.actions.stops import untimed_stops
from billing.limits.messages import alert_message, drill_message
from billing.limits.models import Alert, Drill

GIVE_UP: Final = timedelta(days=3)

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
    message: Callable[[Recipient], EmailMultiAlternatives],
    rows: Rows,
) -> int:
    """Mail everybody who has not had it; `rows` keep who has, and why the others have not."""
    found = deliver(account, Mail.LIMIT, had_it, message)
    rows.update(recipients=found.taken, error=found.error, sent_at=None if found.error else timezone.now())
    return found.sent
