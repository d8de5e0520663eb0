"""What an act of `portal.acts` would come to: its preview, and the invoice that it leads to."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from accounts.models import Account
from accounts.reading import no_reading
from billing.invoices.drafts import Draft, base_draft, draft_invoice
from billing.plans import actions as plans
from billing.plans.actions import Actor, Preview
from billing.plans.models import Plan, Subscription
from billing.plans.previews import When
from billing.plans.queries import scheduled_change


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
    final = _tried(subscription, lambda tried: plans.cancel(tried, when, actor=actor))
    return Offer(preview, final if final and final.lines else None)


def offer_change(subscription: Subscription, plan: Plan, when: When = "now", *, actor: Actor) -> Offer:
    """Changing the plan, with the next invoice as it then stands. Raises a `PlanError`."""
    preview = plans.preview_change(subscription, plan, when, actor=actor)
    return Offer(
        preview, _tried(subscription, lambda tried: plans.confirm_change(tried, plan, when, actor=actor))
    )


def invoice_without_change(subscription: Subscription) -> Draft | None:
    """The next invoice as it stands if the plan goes on as it is: what is scheduled counts as taken back."""
    scheduled = scheduled_change(subscription) is not None
    return _tried(subscription, lambda tried: plans.take_back(tried) if scheduled else None)


def _tried(subscription: Subscription, act: Callable[[Subscription], object]) -> Draft | None:
    """The invoice of the running period after an act, which is done for it in a transaction that is taken back: so it
    is the very invoice of that act. None if no period is left.
    """
    tried = Subscription.objects.select_related("account").get(pk=subscription.pk)
    running = tried.periods.filter(closed_at=None).last()
    if running is None:
        return None
    with transaction.atomic(), no_reading():
        act(tried)
        periods = tried.periods.select_related("subscription__account", "account")
        period = periods.filter(pk=running.pk).first()
        draft = draft_invoice(tried.account, period, timezone.now()) if period else None
        transaction.set_rollback(True)
    return draft


def _first_invoice(preview: Preview) -> Offer:
    """The base price of the first paid period of a new subscription; one that goes on has no first invoice."""
    if preview.first is None or not preview.plan_lines:
        return Offer(preview, None)
    return Offer(preview, base_draft(preview.subscription.account, preview.first, timezone.now()))
