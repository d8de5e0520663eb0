"""What an offer shows is what the act leads to, be it supposed or tried."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from accounts.reading import one_reading
from billing.invoices.drafts import Draft, draft_invoice
from billing.plans import actions as plans
from billing.plans.actions import Actor
from billing.plans.models import Plan, Subscription
from portal.offers import Offer, invoice_without_change, offer_cancel, offer_change
from tests.portal.world import World, build

pytestmark = pytest.mark.django_db
BY: dict[str, Any] = {"actor": Actor.INSTALLATION}


@pytest.fixture
def world(db: None) -> Iterator[World]:
    """At a standstill, so that levels count as much in each draft."""
    found = build()
    with time_machine.travel(timezone.now(), tick=False):
        yield found


def told(draft: Draft | None) -> Any:
    return draft and (draft.lines_data(), draft.totals, draft.usage_total)


def subscription_of(world: World) -> Subscription:
    return world.account.subscriptions.select_related("account").get()


def drafted(world: World) -> Any:
    """The next invoice by what is stored."""
    running = subscription_of(world).periods.filter(closed_at=None).last()
    assert running is not None
    return told(draft_invoice(world.account, running, timezone.now()))


def changes(plan: str, when: Any) -> tuple[Callable[..., Offer], Callable[..., Any]]:
    return (
        lambda subscription: offer_change(subscription, Plan.objects.get(code=plan), when, **BY),
        lambda subscription: plans.confirm_change(subscription, Plan.objects.get(code=plan), when, **BY),
    )


ACTS = {
    "later": changes("scale", "period_end"),
    "now": changes("scale", "now"),
    "end": (
        lambda subscription: offer_cancel(subscription, **BY),
        lambda subscription: plans.cancel(subscription, **BY),
    ),
    "end now": (
        lambda subscription: offer_cancel(subscription, "now", **BY),
        lambda subscription: plans.cancel(subscription, "now", **BY),
    ),
}


@pytest.mark.parametrize("act", ACTS)
def test_the_invoice_of_an_offer_is_that_of_the_act(world: World, act: str) -> None:
    offer, make = ACTS[act]
    before = drafted(world)
    with one_reading():
        draft_invoice(world.account, subscription_of(world).periods.latest("number"), timezone.now())
        offered = offer(subscription_of(world))
        again = offer(subscription_of(world))
    alone = offer(subscription_of(world))
    assert drafted(world) == before, "an offer changes nothing"
    made = make(subscription_of(world))
    assert told(offered.invoice) == told(again.invoice) == told(alone.invoice) == drafted(world)
    assert [line.amount for line in offered.preview.lines] == [line.amount for line in made.lines]
    assert offered.preview.is_what_was_quoted(made.quote)


def test_without_change_is_what_is_left_when_all_is_taken_back(world: World) -> None:
    before = drafted(world)
    plans.cancel(subscription_of(world), **BY)
    assert drafted(world) != before
    with one_reading():
        assert told(invoice_without_change(subscription_of(world))) == before
    plans.take_back(subscription_of(world))
    assert drafted(world) == before
    assert before[2] > Decimal(0)
