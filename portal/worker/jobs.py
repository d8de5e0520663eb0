"""What runs in the background, and when: `SCHEDULE`.

Each job finds in the domain's own tables what is due and does it, so it may be lost, doubled or killed at any point:
the next one does what is left. Each account has a transaction of its own inside its own scope; what fails for one
account is logged and does not hold up the others.
"""

import functools
import logging
import threading
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import OperationalError, close_old_connections
from django.utils import timezone
from procrastinate import App

from accounts.models import Account
from accounts.scope import account_scope, installation_scope
from billing.invoices.rendering import render_waiting
from billing.invoices.retention import accounts_with_periods, purgeable
from billing.invoices.run import accounts_due, bill_accounts
from billing.invoices.summary import send_summary
from billing.limits.actions import (
    purge_reservations,
    raise_alerts,
    raise_pace_alerts,
    time_stops,
    untimed_stops,
)
from billing.limits.mail import anything_new, send_alerts
from billing.limits.models import Alert, Drill, LimitVersion
from billing.payments.collecting import accounts_to_charge, charge_account
from billing.payments.mail import send_notices_of
from billing.payments.notices import accounts_to_tell
from billing.payments.providers import card_provider
from billing.usage.hours import keep_hours
from billing.usage.rebuild import sync_rollups
from billing.usage.replay import replay
from billing.usage.retention import purge_account, purge_quarantine
from billing.webhooks.mail import send_notices
from billing.webhooks.retention import purge as purge_messages

log = logging.getLogger("plainbill.worker")

DEFAULT_QUEUE: Final = "default"
BILLING_QUEUE: Final = "billing"
EVERY_MINUTE: Final = "* * * * *"
# Beside the full hours, at which periods end and billing has its hands full.
EVERY_QUARTER: Final = "7-59/15 * * * *"
EVERY_NIGHT: Final = "40 2 * * *"
EVERY_HOUR: Final = "37 * * * *"
EVERY_MORNING: Final = "7 6 * * *"
# Set when the process was asked to end: a job stops between two accounts.
stopping = threading.Event()


@dataclass(frozen=True, slots=True)
class Job:
    """A function without arguments, the minutes at which it runs (cron), and the queue that says who may run it."""

    run: Callable[[], object]
    queue: str = DEFAULT_QUEUE
    cron: str = EVERY_MINUTE

    @property
    def name(self) -> str:
        return self.run.__name__


def accounts_with_limits(among: Collection[int] | None = None) -> list[int]:
    """Accounts that have, or had, a limit; of all, or of some."""
    with installation_scope():
        limits = LimitVersion.objects.order_by("account_id")
        if among is not None:
            limits = limits.filter(account_id__in=among)
        return list(limits.values_list("account_id", flat=True).distinct())


def check_account(account_id: int) -> bool:
    """Record the alerts and stops that the account's usage calls for; whether `send_account` has work by now."""
    with account_scope(account_id):
        account = Account.objects.get(pk=account_id)
        raise_alerts(account, timezone.now())
        return anything_new(account)


def send_account(account_id: int) -> int:
    """Send what one account was not sent yet, then find when its stops were crossed; the number of mails."""
    with account_scope(account_id):
        sent = send_alerts(Account.objects.get(pk=account_id))
    with account_scope(account_id):
        time_stops(Account.objects.get(pk=account_id))
    return sent


def check_limits() -> None:
    """What the listener missed."""
    each(accounts_with_limits(), _check_and_send)


def _check_and_send(account_id: int) -> None:
    if check_account(account_id):
        send_account(account_id)


def check_paces() -> None:
    """Limits to which the pace leads. Days change slowly, and a forecast reads two periods."""
    each(accounts_with_limits(), _check_pace)


def _check_pace(account_id: int) -> None:
    with account_scope(account_id):
        new = raise_pace_alerts(Account.objects.get(pk=account_id), timezone.now())
    if new:
        send_account(account_id)


def send_unsent_alerts() -> None:
    """Alerts and drills whose mail failed, or whose sender was killed; stops whose crossing is not known yet."""
    waiting = set[int]()
    with installation_scope():
        for unfinished in (Alert.objects.filter(sent_at=None), Drill.objects.filter(sent_at=None)):
            waiting.update(unfinished.values_list("account_id", flat=True).distinct())
        waiting.update(untimed_stops().values_list("account_id", flat=True).distinct())
    each(sorted(waiting), send_account)


def sync_totals() -> None:
    """Day totals that a published version, a new meter or another time zone asks for: reads are right before, but
    slower."""
    sync_rollups()


def replay_quarantine() -> None:
    """Events whose account, meter or service period is there by now."""
    replay()


def bill() -> None:
    """Begin the periods that are due, carry out what was scheduled for their start, and issue what is owed."""
    now = timezone.now()
    for _outcome in bill_accounts(accounts_due(now, parked=False), now):
        if stopping.is_set():
            return


def send_billing_summary() -> None:
    """What was billed since yesterday, and who could not be, to staff."""
    send_summary(timezone.now())


def render_invoices() -> None:
    """The PDFs of invoices that have none yet, oldest first; whoever asks for one earlier renders it then."""
    render_waiting(stopping.is_set)


def purge_usage() -> None:
    """Raw events that are past their term, and quarantined ones."""
    each(accounts_with_periods(), _purge)
    if not stopping.is_set():
        purge_quarantine(timezone.now())


def count_hours() -> None:
    """How the last days of each account lay on their hours, for its forecasts."""
    each(accounts_with_periods(), functools.partial(_count_hours, now=timezone.now()))


def purge_ended_reservations() -> None:
    """Rows of reservations that nobody will commit again."""
    with installation_scope():
        purge_reservations()


def send_invoice_mails() -> None:
    """A mail for each new document, and what could not be sent before."""
    now = timezone.now()
    each(accounts_to_tell(now), functools.partial(_tell, now=now))


def remind() -> None:
    """Reminders of what is overdue."""
    now = timezone.now()
    each(accounts_to_tell(now, reminders=True), functools.partial(_tell, now=now))


def charge_cards() -> None:
    """Invoices that are paid by card by themselves, and what became of every payment."""
    provider = card_provider()
    if provider is not None:
        now = timezone.now()
        each(accounts_to_charge(now), functools.partial(charge_account, provider, now=now))


def send_webhook_notices() -> None:
    """Mails about webhooks that we switched off."""
    send_notices()


def purge_webhooks() -> None:
    """What webhooks sent, past its term."""
    purge_messages(timezone.now())


def _tell(account_id: int, now: datetime) -> None:
    with account_scope(account_id):
        send_notices_of(Account.objects.get(pk=account_id), now)


def _count_hours(account: Account, now: datetime) -> None:
    with account_scope(account.pk):
        keep_hours(account, now)


def _purge(account: Account) -> None:
    purge_account(account, purgeable)


def each[Key](keys: Iterable[Key], work: Callable[[Key], object]) -> None:
    """`work` for each key, until the worker is to stop. Without the database it is over: the next run goes on."""
    for key in keys:
        if stopping.is_set():
            return
        try:
            work(key)
        except OperationalError:
            raise
        except Exception:
            log.exception("%s failed for %s", getattr(work, "__name__", work), key)


def with_fresh_connection[**P, R](function: Callable[P, R]) -> Callable[P, R]:
    """`function` in a thread of the pool: its database connection is checked before, and old ones are let go after."""

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        close_old_connections()
        try:
            return function(*args, **kwargs)
        finally:
            close_old_connections()

    return run


def register(app: App, *, schedule: bool) -> list[str]:
    """Make the jobs known to procrastinate, and due at their minutes; gives the queues that this worker works on.

    Without `schedule`, jobs of the billing queue are neither made due nor taken from another worker's leftovers.
    """
    for job in SCHEDULE:
        make = app.task(name=job.name, queue=job.queue, queueing_lock=job.name)
        task = app.tasks.get(job.name) or make(_ticking(with_fresh_connection(job.run)))
        if schedule or job.queue == DEFAULT_QUEUE:
            app.periodic_registry.register_task(task=task, cron=job.cron, periodic_id="", configure_kwargs={})
    if SEND_ALERTS not in app.tasks:
        app.task(name=SEND_ALERTS, queue=DEFAULT_QUEUE)(with_fresh_connection(send_account))
    return [DEFAULT_QUEUE, BILLING_QUEUE] if schedule else [DEFAULT_QUEUE]


def _ticking(run: Callable[[], object]) -> Callable[[int], None]:
    """A periodic job is told its minute, which ours do not need: they look at what is due now.

    Where the one of an earlier minute still runs here, that one runs once more and this one is over: else a job that
    takes minutes would soon have every place of the worker, and billing and alerts none.
    """
    asked, busy = threading.Event(), threading.Lock()

    def tick(timestamp: int) -> None:
        asked.set()
        while asked.is_set() and busy.acquire(blocking=False):
            try:
                asked.clear()
                run()
            finally:
                busy.release()

    return tick


SCHEDULE: Final = (
    Job(check_limits),
    Job(check_paces, cron=EVERY_QUARTER),
    Job(send_unsent_alerts),
    Job(send_webhook_notices),
    Job(sync_totals),
    Job(replay_quarantine),
    Job(render_invoices),
    Job(charge_cards),
    Job(send_invoice_mails),
    Job(remind, cron=EVERY_HOUR),
    Job(count_hours, cron=EVERY_NIGHT),
    Job(purge_usage, cron=EVERY_NIGHT),
    Job(purge_webhooks, cron=EVERY_NIGHT),
    Job(purge_ended_reservations),
    Job(bill, BILLING_QUEUE),
    Job(send_billing_summary, BILLING_QUEUE, EVERY_MORNING),
)
SEND_ALERTS: Final = "send_alerts"
