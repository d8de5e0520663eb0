"""How many statements each page asks the database: twelve at most, and as many for much as for little."""

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

import pytest
from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import resolve, reverse
from django.utils import timezone

from accounts.keys import create_key
from accounts.models import Account
from accounts.reading import one_reading
from billing.invoices.actions.credit_notes import credit_note
from billing.invoices.ledger.credit import credit_left
from billing.invoices.models import Invoice
from billing.limits.actions import note_refusal, raise_alerts, set_limit, time_stops
from billing.limits.models import Stop
from billing.plans.actions import Actor, load_catalog, redeem
from billing.plans.models import Meter, Plan
from billing.plans.queries import running_subscription, scheduled_change
from billing.usage.hours import day_hours
from billing.usage.models import DayHours
from billing.usage.queries import kept_zone
from billing.webhooks.actions import add_endpoint
from portal import acts
from portal.pages.known import _LISTS
from portal.pages.periods import recent_periods
from tests.portal.rights import PORTAL, Reach
from tests.portal.test_pages import addresses
from tests.portal.world import World, build, send, sign_in

pytestmark = pytest.mark.django_db

GATE: Final = 12
OF_THE_TEST: Final = 4
"""The request's transaction is a savepoint in the test's own, with a scope to come back to."""

QUERIES: Final = {
    "overview": 12,
    "live cards": 12,
    "usage": 9,
    "usage by model": 10,
    "usage of a meter": 10,
    "usage of a year": 9,
    "usage beside": 9,
    "events": 7,
    "event": 12,
    "simulate": 12,
    "limits": 12,
    "limit of a meter": 12,
    "invoices": 7,
    "invoice": 8,
    "line": 10,
    "check": 11,
    "exports": 7,
    "upcoming": 12,
    "plan": 11,
    # They lock the subscription, as the act does, and draft the invoice that follows from it (portal/offers.py). A
    # quote does so three times, and makes the change of now in a transaction that is taken back: about thirty
    # statements, without which only another, second way to work out a change could show the very invoice.
    "quote": 61,
    "cancel": 20,
    "payment": 5,
    "settings": 5,
    "details": 3,
    "account language": 3,
    "notifications": 4,
    "keys": 8,
    "new key": 3,
    "key": 7,
    "replace key": 7,
    "revoke key": 7,
    "activity": 6,
    "members": 5,
    "member": 4,
    "invite": 3,
    "sessions": 5,
    "webhooks": 4,
    "webhook": 5,
    "receipt": 10,
    "credit note": 7,
}
NO_PAGES: Final = {"live", "open", "invitation"}
"""Addresses for who is not there yet, and the stream."""

RICH: Final = {
    # A coupon asks for its account's periods and for what it gave before.
    "overview": 14,
    "live cards": 14,
    "plan": 13,
    "check": 15,
    # And what waits for the next invoice for its lines.
    "upcoming": 17,
    "cancel": 25,
}
"""Where an account with everything has more than the gate."""


@pytest.fixture
def world(db: None) -> World:
    return build()


@pytest.fixture(autouse=True)
def loopback_may_be_called() -> Iterator[None]:
    with override_settings(WEBHOOK_ALLOWED_HOSTS=["127.0.0.1"]):
        yield


def every_page(world: World) -> dict[str, str]:
    """`addresses`, and the pages of what the account has only now."""
    known = addresses(world)  # of the invoice, not yet of its credit note
    endpoint, _ = add_endpoint(world.account, "http://127.0.0.1/hook")
    key, _ = create_key("build server", ["read"], world.account)
    viewer = world.viewer.memberships.get()
    set_limit(world.account, "1", "stop", by=world.owner)
    raise_alerts(world.account, timezone.now())
    time_stops(world.account)
    set_limit(world.account, "500", "stop", by=world.owner)
    note = credit_note(world.invoice, reason="Goodwill", by=None)
    return known | {
        "live cards": reverse("portal:live_cards"),
        "payment": reverse("portal:payment"),
        "new key": reverse("portal:key_new"),
        "key": reverse("portal:key", args=[key.pk]),
        "replace key": reverse("portal:key_replace", args=[key.pk]),
        "revoke key": reverse("portal:key_revoke", args=[key.pk]),
        "member": reverse("portal:member", args=[viewer.pk]),
        "invite": reverse("portal:member_invite"),
        "webhooks": reverse("portal:webhooks"),
        "webhook": reverse("portal:webhook", args=[endpoint.pk]),
        "receipt": reverse("portal:limit_receipt", args=[Stop.objects.get(account=world.account).pk]),
        "credit note": reverse("portal:invoice", args=[note.number]),
    }


def proved(world: World) -> Client:
    """The owner, who is not asked once more who he is."""
    client = sign_in(world.owner)
    session = client.session
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [{"method": "password", "at": time.time()}]
    session["account_authentication_methods_user"] = str(world.owner.pk)
    session.save()
    return client


def asked(client: Client, address: str) -> int:
    """The statements of a page that was looked at before."""
    client.get(address)
    with CaptureQueriesContext(connection) as found:
        answer = client.get(address)
    assert answer.status_code == 200, address
    return len(found) - OF_THE_TEST


def is_page(client: Client, address: str) -> bool:
    return client.get(address).headers["Content-Type"].startswith("text/html")


def test_every_page_that_a_customer_opens_is_in_the_table(world: World) -> None:
    where, owner = every_page(world), proved(world)
    assert {name for name, address in where.items() if is_page(owner, address)} == set(QUERIES)
    opened = {name for name, rule in PORTAL.items() if rule.get and "GET" not in rule.off}
    ours = {name for name in opened if PORTAL[name].get is not Reach.ANYONE}
    # These two lead on to the plan while nothing is scheduled; they are an offer, as cancelling is.
    offers = {"plan_take_back", "plan_reactivate"}
    assert ours - NO_PAGES - offers == {
        resolve(address.partition("?")[0]).url_name for address in where.values()
    }


def test_statements_are_few_and_do_not_grow_with_the_rows(world: World) -> None:
    where, owner = every_page(world), proved(world)
    counts = {name: asked(owner, where[name]) for name in QUERIES}
    assert {name: most for name, most in counts.items() if most > QUERIES[name]} == {}
    assert {name for name, most in QUERIES.items() if most > GATE} == {"quote", "cancel"}
    grow(world)
    more = {name: (asked(owner, where[name]), counts[name]) for name in QUERIES}
    assert {name: (now, before) for name, (now, before) in more.items() if now > before} == {}


def grow(world: World) -> None:
    """Many of what there was one of."""
    for hour in range(1, 20):
        send(world.account, world.now - timedelta(days=1, hours=hour), 3)
    for number in range(60):
        create_key(f"key {number}", ["read"], world.account)
    for number in range(3):
        set_limit(world.account, str(1 + number), "stop", by=world.owner)
        raise_alerts(world.account, timezone.now())
        time_stops(world.account)
    set_limit(world.account, "500", "stop", by=world.owner)


def test_an_account_with_everything_asks_little_more(world: World) -> None:
    give_everything(world.account)
    owner, where = sign_in(world.owner), addresses(world)
    where["receipt"] = reverse(
        "portal:limit_receipt", args=[Stop.objects.filter(account=world.account)[0].pk]
    )
    pages = [name for name in QUERIES if name in where and name != "quote"]  # of which none can be had
    for name in pages:
        assert asked(owner, where[name]) <= RICH.get(name, GATE), name


def test_what_comes_along_is_what_would_be_read(world: World) -> None:
    account = world.account
    questions = [*(question for _rows, question in _LISTS.values()), kept_zone, credit_left]
    for everything in (False, True):
        if everything:
            give_everything(account)
            invoice = Invoice.objects.filter(account=account).earliest("issued_at")
            credit_note(invoice, reason="Goodwill", by=None)
        subscription = running_subscription(account)
        assert subscription is not None
        alone = [question(account.pk) for question in questions], scheduled_change(subscription)
        with one_reading():
            recent_periods(account)
            with CaptureQueriesContext(connection) as found:
                known = [question(account.pk) for question in questions], scheduled_change(subscription)
        assert known == alone
        read = len([answer for answer in alone[0] if isinstance(answer, list) and answer])
        assert len(found) == read, "only what there is, is asked for"


def test_the_hours_of_days_come_along_with_the_periods(world: World) -> None:
    account, first = world.account, recent_periods(world.account)[-1].first_day
    for number in range(40):
        day, counted = first + timedelta(days=number), world.now
        DayHours.objects.create(account=account, day=day, timezone="UTC", hours=[number], counted_at=counted)
    alone = sorted(day_hours(account.pk))
    with one_reading():
        recent_periods(account)
        with CaptureQueriesContext(connection) as found:
            assert sorted(day_hours(account.pk)) == alone
    assert (len(alone), len(found)) == (40, 0)


def give_everything(account: Account) -> None:
    """A coupon, stops of a meter and of all, late usage, a plan changed today and another to come."""
    load_catalog({"catalog": 1, "coupons": [{"code": "TEN", "amount": "10", "currency": "EUR"}]})
    redeem(account, "TEN")
    set_limit(account, "2", "stop", meter=Meter.objects.get(code="output_tokens"))
    limit = set_limit(account, "1", "stop")
    assert limit is not None
    note_refusal(limit, account.periods.latest("start"), timezone.now(), requests=41)
    raise_alerts(account, timezone.now())
    time_stops(account)
    send(account, timezone.now() - timedelta(days=12), 3)
    for plan, when in (("scale", "now"), ("team", "period_end")):
        subscription = running_subscription(account)
        assert subscription is not None
        acts.change_plan(subscription, Plan.objects.get(code=plan), when, actor=Actor.CUSTOMER)
