"""The same thing asked twice at once happens once."""

from collections.abc import Callable
from datetime import timedelta
from threading import Event

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import Account
from accounts.scope import account_scope, installation_scope
from billing.plans.actions import (
    Actor,
    cancel,
    confirm_change,
    load_catalog,
    preview_change,
    preview_reactivate,
    preview_take_back,
    reactivate,
    subscribe,
    take_back,
)
from billing.plans.errors import (
    AlreadySubscribed,
    NothingScheduled,
    PlanError,
    SameVersion,
    SubscriptionEnded,
)
from billing.plans.models import PendingLine, PlanVersion, Subscription
from billing.plans.queries import current_period
from billing.pricing.parse import CatalogError
from tests.factories import make_account
from tests.plans.selling import again, catalog, plan, sell, the_plan
from tests.together import at_once

TIMES = 6


@pytest.fixture
def team(committed: str) -> Subscription:
    with installation_scope():
        sell(plan("team", "49.00"), plan("scale", "199.00"))
        return subscribe(make_account(), the_plan("team"), timezone.now() - timedelta(days=3))


def ended(work: Callable[[], object]) -> list[str]:
    """What each of the threads ended with: "done", or the name of its error."""

    def end() -> str:
        try:
            work()
        except (PlanError, CatalogError) as error:
            return type(error).__name__
        return "done"

    return sorted(at_once(*[end] * TIMES), reverse=True)


def once_and(error: type[PlanError]) -> list[str]:
    return ["done", *[error.__name__] * (TIMES - 1)]


def test_one_subscription(committed: str) -> None:
    with installation_scope():
        sell(plan("team", "49.00"))
        account = make_account()

    def work() -> None:
        with account_scope(account.pk):
            subscribe(account, the_plan("team"))

    assert ended(work) == once_and(AlreadySubscribed)
    with installation_scope():
        assert Subscription.objects.count() == 1


def test_one_change_of_one_quote(team: Subscription) -> None:
    with account_scope(team.account_id):
        quote = preview_change(team, the_plan("scale"), actor=Actor.CUSTOMER).quote

    def work() -> None:
        with account_scope(team.account_id):
            confirm_change(again(team), the_plan("scale"), actor=Actor.CUSTOMER, quote=quote)

    assert ended(work) == once_and(SameVersion)
    with installation_scope():
        assert (PendingLine.objects.count(), team.phases.count()) == (2, 2)


def test_one_cancellation(team: Subscription) -> None:
    def work() -> None:
        with account_scope(team.account_id):
            cancel(again(team), "now", actor=Actor.INSTALLATION)

    assert ended(work) == once_and(SubscriptionEnded)
    with installation_scope():
        assert PendingLine.objects.count() == 1


def test_one_new_subscription_after_the_end(team: Subscription) -> None:
    with account_scope(team.account_id):
        cancel(team, "now", actor=Actor.INSTALLATION)
        quote = preview_reactivate(team, actor=Actor.CUSTOMER).quote

    def work() -> None:
        with account_scope(team.account_id):
            reactivate(again(team), actor=Actor.CUSTOMER, quote=quote)

    assert ended(work) == once_and(AlreadySubscribed)
    with installation_scope():
        assert Subscription.objects.count() == 2


def test_one_taking_back(team: Subscription) -> None:
    with account_scope(team.account_id):
        cancel(team, actor=Actor.CUSTOMER)
        quote = preview_take_back(team).quote

    def work() -> None:
        with account_scope(team.account_id):
            take_back(again(team), quote=quote)

    assert ended(work) == once_and(NothingScheduled)


def test_one_version_of_one_file(committed: str) -> None:
    def work() -> None:
        with installation_scope():
            load_catalog(catalog(plan("team", "49.00")))

    assert ended(work) == ["done"] * TIMES
    with installation_scope():
        assert PlanVersion.objects.count() == 1


def test_billing_and_a_change_wait_for_each_other_in_one_order(team: Subscription) -> None:
    """Billing holds the account's row and then begins a period; a change then bills: neither waits in a ring."""
    billing_has_account, ends = Event(), list[str]()

    def bill() -> None:
        with account_scope(team.account_id):
            Account.objects.select_for_update(no_key=True).get(pk=team.account_id)
            billing_has_account.set()
            connection.cursor().execute("SELECT pg_sleep(0.3)")
            current_period(again(team), timezone.now() + timedelta(days=40))
        ends.append("billed")

    def change() -> None:
        billing_has_account.wait()
        with account_scope(team.account_id):
            cancel(again(team), actor=Actor.CUSTOMER)
            Account.objects.select_for_update(no_key=True).get(pk=team.account_id)
        ends.append("changed")

    at_once(bill, change)
    assert ends == ["billed", "changed"]
