"""A change of a customer's contract, and what follows it: once for the pages, the API and the commands.

The parts know nothing of what stands above them, so their actions meet here. What can wait follows the commit (day
totals made anew, events that waited for an account, a meter or a period); should the process die in between,
the worker's next round does it.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from accounts import actions as accounts
from accounts.models import Account, User
from billing.invoices.actions import bill_account, issue_first_base
from billing.limits.actions import set_limit
from billing.limits.terms import Terms
from billing.plans import actions as plans
from billing.plans.actions import Actor, CatalogChanges, Preview
from billing.plans.models import Plan, Subscription
from billing.plans.previews import When
from billing.plans.queries import ended_subscription, running_subscription
from billing.plans.queries.periods import lock_subscription
from billing.usage.rebuild import sync_rollups, sync_zone
from billing.usage.replay import replay


@transaction.atomic
def create_account(values: Mapping[str, str]) -> Account:
    """A new account; events that were sent to its code before are counted."""
    account = accounts.create_account(values)
    _later(lambda: replay(account))
    return account


@transaction.atomic
def change_account(account: Account, values: Mapping[str, str]) -> Account:
    """Set fields of the account; in a new time zone its days are other ones."""
    before = account.timezone
    changed = accounts.change_account(account, values)
    if changed.timezone != before:
        _later(lambda: sync_zone(changed))
    return changed


@transaction.atomic
def load_catalog(data: object) -> CatalogChanges:
    """Load a catalogue file; totals follow its meters and filters, and events that waited for a meter are counted."""
    changes = plans.load_catalog(data)
    if changes.meters:
        _later(lambda: sync_rollups(changes.meters))
        _later(replay)
    return changes


@transaction.atomic
def subscribe(
    account: Account,
    plan: Plan,
    start: datetime | None = None,
    anchor: str = "start",
    *,
    actor: Actor,
    quote: str | None = None,
) -> Subscription:
    """Put the account on `plan`, invoice the first base price, count the events that waited for a period."""
    return _begun(plans.subscribe(account, plan, start, anchor, actor=actor, quote=quote))


@transaction.atomic
def start_with_limit[Done](account: Account, terms: Terms, by: User, start: Callable[[], Done]) -> Done:
    """`start` the account's first paid plan, and keep the limit that `by` chose with it, or that none was wanted.

    The limit comes first, so that no usage is without it. Locks in their order: account, subscription, intake.
    """
    Account.objects.select_for_update(no_key=True).get(pk=account.pk)
    before = running_subscription(account) or ended_subscription(account)
    if before is not None:
        lock_subscription(before)
    set_limit(account, terms.amount, terms.action, terms.thresholds, pace=terms.pace, by=by, decided=True)
    return start()


@transaction.atomic
def reactivate(subscription: Subscription, *, actor: Actor, quote: str | None = None) -> Subscription:
    """Take a cancellation back, or begin anew after the end; returns the subscription that runs."""
    running = plans.reactivate(subscription, actor=actor, quote=quote)
    return running if running.pk == subscription.pk else _begun(running)


@transaction.atomic
def change_plan(
    subscription: Subscription,
    plan: Plan,
    when: When = "now",
    *,
    at: datetime | None = None,
    actor: Actor,
    quote: str | None = None,
) -> Preview:
    """Change the plan; a period that this ends `now` is billed at once."""
    preview = plans.confirm_change(subscription, plan, when, at=at, actor=actor, quote=quote)
    _bill_what_ended(preview)
    return preview


@transaction.atomic
def cancel(
    subscription: Subscription, when: When = "period_end", *, actor: Actor, quote: str | None = None
) -> Preview:
    """End the subscription; `now` issues the final invoice."""
    preview = plans.cancel(subscription, when, actor=actor, quote=quote)
    _bill_what_ended(preview)
    return preview


def _begun(subscription: Subscription) -> Subscription:
    """Invoice the first base price of a new subscription, and count the events that waited for a period."""
    issue_first_base(subscription)
    account = subscription.account
    _later(lambda: replay(account))
    return subscription


def _bill_what_ended(preview: Preview) -> None:
    """Invoice the period that a change has ended already; one that runs on is invoiced at its end.

    A change `at` an earlier instant waits for the billing run, so that more such changes can follow it.
    """
    now, due = timezone.now(), preview.next_invoice_at
    if preview.when != "at" and due is not None and due <= now:
        bill_account(preview.subscription.account, now)


def _later(work: Callable[[], object]) -> None:
    """After the commit, in scopes of its own. A failure there is logged and undoes nothing."""
    transaction.on_commit(work, robust=True)
