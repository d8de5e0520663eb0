"""What an act of `portal.acts` would come to: its preview, and the invoice that it leads to."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import Account
from accounts.reading import no_reading, once, supposing
from billing.invoices.drafts import Draft, base_draft, draft_invoice
from billing.invoices.drafts.late import invoiced_lines, lately_closed
from billing.invoices.drafts.plan import uninvoiced
from billing.invoices.ledger.credit import credit_left
from billing.limits.queries import continued, cut_periods, limit_versions, versions_in
from billing.plans import actions as plans
from billing.plans.actions import Actor, Preview
from billing.plans.models import Period, Plan, ScheduledChange, Subscription
from billing.plans.previews import When
from billing.plans.queries import phases, redemptions_of, scheduled_changes, tax_rules
from billing.usage.queries import kept_zone, meters_by_code
from billing.usage.rating import known_usage
from billing.usage.retention import purged_spans


@dataclass(frozen=True, slots=True)
class Offer:
    """A preview, and the invoice that follows from it as it stands now; None where none would be issued.

    The quote promises the preview's lines. The usage in a final invoice is a live figure: what is still used before
    the end is added.
    """

    preview: Preview
    invoice: Draft | None


def offer_subscribe(
    account: Account, plan: Plan, start: datetime | None = None, anchor: str = "start", *, actor: Actor
) -> Offer:
    """Starting on `plan`, with the first invoice. Raises a `PlanError`, as the act does."""
    return _first_invoice(plans.preview_subscribe(account, plan, start, anchor, actor=actor))


def offer_reactivate(subscription: Subscription, *, actor: Actor) -> Offer:
    """Going on, with the first invoice of the new subscription if one begins. Raises a `PlanError`."""
    return _first_invoice(plans.preview_reactivate(subscription, actor=actor))


def offer_cancel(subscription: Subscription, when: When = "period_end", *, actor: Actor) -> Offer:
    """Ending the subscription, with the final invoice as it stands. Raises a `PlanError`."""
    preview = plans.preview_cancel(subscription, when, actor=actor)
    if preview.scheduled is None:
        offer = _tried(subscription, lambda tried: plans.cancel(tried, when, actor=actor))
    else:
        offer = Offer(preview, _with_scheduled(subscription, preview.scheduled))
    return offer if offer.invoice and offer.invoice.lines else replace(offer, invoice=None)


def offer_change(subscription: Subscription, plan: Plan, when: When = "now", *, actor: Actor) -> Offer:
    """Changing the plan, with the next invoice as it then stands. Raises a `PlanError`."""
    if when != "period_end":
        return _tried(subscription, lambda tried: plans.confirm_change(tried, plan, when, actor=actor))
    preview = plans.preview_change(subscription, plan, when, actor=actor)
    return Offer(preview, _with_scheduled(subscription, preview.scheduled))


def invoice_without_change(subscription: Subscription) -> Draft | None:
    """The next invoice as it stands if the plan goes on as it is: what is scheduled counts as taken back."""
    return _with_scheduled(subscription, None)


UNTOUCHED: Final = (
    credit_left,
    invoiced_lines,
    kept_zone,
    known_usage,
    lately_closed,
    limit_versions,
    meters_by_code,
    purged_spans,
    redemptions_of,
    tax_rules,
)
"""What drafts ask and no act on a subscription changes."""

UNSCHEDULED: Final = (*UNTOUCHED, continued, cut_periods, phases, uninvoiced, versions_in)
"""And what is as it is while a change only waits: all but what comes after the period."""


def _with_scheduled(subscription: Subscription, change: ScheduledChange | None) -> Draft | None:
    """The invoice of the running period if `change`, or nothing, were scheduled for its end. None if no period is left.

    Nothing else of an act that waits is told by an invoice, so that it is enough to suppose its row.
    """
    running = _running(subscription)
    if running is None:
        return None
    with supposing(UNSCHEDULED):
        scheduled_changes.tell(subscription.pk, change)
        return draft_invoice(running.account, running, timezone.now())


def _tried(subscription: Subscription, act: Callable[[Subscription], Preview]) -> Offer:
    """What an act comes to, and the invoice of the running period after it: it is done, in a transaction that is taken
    back. So it is the very invoice of that act.
    """
    running = _running(subscription)
    with transaction.atomic():
        with no_reading():
            preview = act(Subscription.objects.select_related("account").get(pk=subscription.pk))
        with supposing(UNTOUCHED):
            period = _periods(subscription).filter(pk=running.pk).first() if running else None
            draft = draft_invoice(period.account, period, timezone.now()) if period else None
        transaction.set_rollback(True)
    return Offer(preview, draft)


@once
def _running(subscription: Subscription) -> Period | None:
    """The last period that is not invoiced."""
    return _periods(subscription).filter(closed_at=None).last()


def _periods(subscription: Subscription) -> QuerySet[Period]:
    return subscription.periods.select_related("subscription__account", "account")


def _first_invoice(preview: Preview) -> Offer:
    """The base price of the first paid period of a new subscription; one that goes on has no first invoice."""
    if preview.first is None or not preview.plan_lines:
        return Offer(preview, None)
    return Offer(preview, base_draft(preview.subscription.account, preview.first, timezone.now()))
