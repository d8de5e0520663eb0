"""A limit that is reached, its receipt and its drill; the first paid plan's question; webhooks."""

import re
import time

import pytest
from playwright.sync_api import Page, expect

from tests.browser.visits import Visits, facts, go, table_rows
from tests.browser.world import Customer, World
from tests.patience import PATIENCE

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("server")]
"""Milliseconds for what the worker does."""


def asked(world: World, customer: Customer) -> int:
    """What a product that asks is answered: 200, or 429 at the limit."""
    with world.demo.client("ingest") as api:
        return api.get(f"/accounts/{customer.code}/allowance", params={"enforce": "true"}).status_code


def test_a_stop_and_its_receipt(visits: Visits, world: World) -> None:
    customer = world.stopped
    with world.demo.client() as api:
        terms = {"amount": "5.00", "action": "stop", "thresholds": [50, 100]}
        assert api.put(f"/accounts/{customer.code}/limit", json=terms).status_code == 200
    customer.use(450)
    assert customer.get("/allowance")["allowed"]
    customer.use(100)
    assert not customer.get("/allowance")["allowed"]

    page = visits.open(customer.person("owner"))
    expect(page.get_by_role("main")).to_contain_text("Stopped")
    go(page, "Limits")
    rows = page.get_by_role("table", name="Stops, newest first")
    until = time.monotonic() + PATIENCE
    while not rows.count() and time.monotonic() < until:  # the worker records the stop
        page.wait_for_timeout(1_000)
        page.reload()
    rows.get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Receipt of a stop")
    shown = facts(page.locator(".receipt"))
    assert shown["Limit"] == "€5.00, account"
    assert shown["Overrun, waived"].endswith("€0.50"), shown
    waived = [line for line in customer.get("/spend")["lines"] if line["kind"] == "limit_waiver"]
    assert [line["amount"] for line in waived] == ["-0.50"], "the receipt says what the invoice takes off"


def test_the_drill_touches_nothing(visits: Visits, world: World) -> None:
    with world.demo.client() as api:  # its own: which test of this file comes first is open
        terms = {"amount": "900.00", "action": "stop", "thresholds": [50, 100]}
        assert api.put(f"/accounts/{world.stopped.code}/limit", json=terms).status_code == 200
    page, before = visits.open(world.stopped.person("owner")), world.stopped.get("/limit")
    go(page, "Limits")
    expect(page.get_by_role("heading", level=1)).to_contain_text("€900.00")
    page.get_by_role("button", name="Simulate reaching the limit").click()
    assert len(table_rows(page, "Simulations, newest first")) == 2
    expect(page.get_by_role("status").first).to_be_visible()
    assert world.stopped.get("/limit") == before


def _refused_without_a_choice(visits: Visits, page: Page) -> None:
    page.goto("/billing/plan/change/browser-dear/")
    for choice in ("Tell me", "Stop", "No limit"):
        expect(page.get_by_label(choice, exact=True)).not_to_be_checked()
    with visits.told("422"):
        page.get_by_role("button", name="Confirm Dear").click()
        expect(page.get_by_role("alert")).to_contain_text("There is a problem")
    assert page.title().startswith("Error:")


def test_the_first_paid_plan_asks_for_a_limit(visits: Visits, world: World) -> None:
    customer = world.novice
    for scripts in (False, True):
        page = visits.open(customer.person("owner"), scripts=scripts)
        _refused_without_a_choice(visits, page)
        assert customer.get("/limit")["amount"] is None
    page.get_by_label("The most that usage may cost").fill("80")
    page.get_by_label("Stop", exact=True).check()
    page.get_by_label("Today").check()
    page.get_by_role("button", name="Confirm Dear").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("You are on Dear")
    limit = customer.get("/limit")
    assert (limit["amount"], limit["action"]) == ("80.00", "stop")


def test_a_webhook_is_added_and_its_secret_shown_once(visits: Visits, world: World) -> None:
    page = visits.open(world.stopped.person("owner"))
    page.goto("/billing/settings/webhooks/")
    with visits.told("422"):
        page.get_by_label("Address", exact=True).fill("https://127.0.0.1/hook")
        page.get_by_role("button", name="Add the address").click()
        expect(page.get_by_role("alert")).to_contain_text("There is a problem")
    # A name would be resolved. Nobody is called: no invoice is paid here.
    page.get_by_label("Address", exact=True).fill("https://1.1.1.1/plainbill")
    for box in page.get_by_role("group", name="What it is told").get_by_role("checkbox").all():
        box.set_checked(box.get_attribute("value") == "invoice.paid")
    page.get_by_role("button", name="Add the address").click()
    secret = page.get_by_role("region", name="Its secret, shown this once")
    expect(secret).to_have_text(re.compile(r"^whsec_[A-Za-z0-9+/=]{20,}$"))
    page.get_by_role("navigation", name="Breadcrumb").get_by_role("link", name="Webhooks").click()
    page.get_by_role("link", name="https://1.1.1.1/plainbill").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Webhook")
    expect(secret).to_have_count(0)
