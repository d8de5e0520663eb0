"""What customers come for: eight tasks, each written once and done in every way of tests/browser/hands.py.

A task begins on a page of its own, and leaves what the others ask for as it was.
"""

import csv
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from io import StringIO
from typing import Any, Final

import httpx
from playwright.sync_api import expect

from tests.browser.hands import Hands
from tests.browser.visits import facts
from tests.browser.world import PASSWORD, UNIT_PRICE, ZONE, Customer
from tests.server.running import Demo

UNITS: Final = 100
COST: Final = UNITS * Decimal(UNIT_PRICE)
"""Of each day's only event."""
SINCE_DAYS: Final = 40
"""How long the customers are here: one period is over, and of the running one nine days at least."""


def local_midnight(back: int) -> datetime:
    """That many days ago."""
    return (datetime.now(ZONE) - timedelta(days=back)).replace(hour=0, minute=0, second=0, microsecond=0)


@dataclass(frozen=True)
class Work:
    """A customer's owner at work."""

    hands: Hands
    customer: Customer
    demo: Demo

    @property
    def used(self) -> Decimal:
        return Decimal(self.customer.get("/spend")["usage_total"])

    def subscription(self) -> Any:
        with self.demo.client("read") as api:
            return api.get(f"/subscriptions/{self.customer.subscription}").json()

    def prove_who_it_is(self) -> None:
        """A link signed him in, so what is sensitive asks for the password."""
        expect(self.hands.title).to_have_text(self.hands.say("Is it you?"))
        self.hands.fill(self.hands.field("Password"), PASSWORD)
        self.hands.press(self.hands.button("Go on"))


def read_from_the_figure_to_an_event(work: Work) -> None:
    """Sign in; what I have used, what it is expected to come to, and one event behind it."""
    hands, owner = work.hands, work.customer.person("owner")
    hands.fill(hands.field("Email"), owner.email)
    hands.fill(hands.field("Password"), owner.password)
    hands.press(hands.button("Sign in"))
    expect(hands.title).to_contain_text(hands.money(work.used))
    low, high = map(int, re.findall(r"\d+", hands.main.locator(".lead").first.inner_text())[:2])
    assert low <= Decimal(work.customer.get("/spend")["forecast"]["expected"]) <= high

    meters = "Used and included in units of each meter. Cost before tax."
    hands.follow(hands.row(meters, "Units").get_by_role("link"))
    expect(hands.title).to_contain_text(hands.money(work.used))
    day = hands.page.locator(f'time[datetime="{local_midnight(5).date()}"]')
    hands.follow(hands.main.get_by_role("link").filter(has=day))
    hands.follow(hands.table("Events, newest first").get_by_role("link"))
    cost = hands.say("This event cost <b>%(cost)s</b>.", cost=hands.money(COST))
    expect(hands.title).to_have_text(cost)


def hold_usage_to_a_limit(work: Work) -> None:
    """Set a limit that stops, and see it kept."""
    hands, customer, limit = work.hands, work.customer, work.hands.money("5.00")
    hands.go_to("Limits")
    hands.fill(hands.field("The most that usage may cost"), "5")
    hands.choose(hands.field("Stop"))
    hands.press(hands.button("Check the change"))
    assert facts(hands.page)[hands.say("Limit from now on")] == limit
    assert customer.get("/limit")["amount"] is None, "nothing changes before it is confirmed"
    hands.press(hands.button("Set the limit to %(amount)s", amount=limit))
    expect(hands.told).to_contain_text(limit)

    customer.use(600)
    assert customer.get("/allowance")["allowed"] is False
    hands.go_to("Limits")
    expect(hands.title).to_have_text(hands.say("Usage is stopped at <b>%(amount)s</b>.", amount=limit))
    hands.go_to("Invoices")
    hands.follow(hands.link("See the next invoice as it stands"))
    waived = hands.table("Lines of the next invoice").get_by_role("row").filter(has_text=hands.money("-1.00"))
    expect(waived).to_have_count(1)


def change_the_plan_as_quoted(work: Work) -> None:
    """Change at the period's end and take it back; then change today, for exactly what is shown."""
    hands = work.hands
    hands.go_to("Plan")
    hands.follow(hands.link("See the quote for %(name)s", name="Dear"))
    hands.press(hands.button("Confirm %(name)s", name="Dear"))
    assert work.subscription()["scheduled_change"]["plan"] == "browser-dear"
    hands.follow(hands.link("Take it back"))
    hands.press(hands.button("Stay on %(plan)s", plan="Cheap"))
    expect(hands.told).to_be_visible()
    assert work.subscription()["scheduled_change"] is None

    with work.demo.client() as api:
        asked = {"plan": "browser-dear", "when": "now", "preview": True}
        path = f"/subscriptions/{work.customer.subscription}/changes"
        amounts = [Decimal(line["amount"]) for line in api.post(path, json=asked).json()["lines"]]
    assert len(amounts) == 2, "one price back, and the other"
    hands.follow(hands.link("See the quote for %(name)s", name="Dear"))
    quoted = hands.table("Stay or switch. %(currency)s.", currency="EUR").get_by_role("row")
    for amount in amounts:
        expect(quoted.filter(has_text=hands.money(amount))).to_have_count(1)
    hands.choose(hands.field("Today"))
    hands.press(hands.button("Confirm %(name)s", name="Dear"))
    expect(hands.title).to_contain_text("Dear")
    assert work.subscription()["plan"] == "browser-dear"
    drafted = [Decimal(line["amount"]) for line in work.customer.get("/spend")["lines"]]
    assert set(amounts) <= set(drafted), "the change made is the change shown"


def see_why_a_line_costs_what_it_costs(work: Work) -> None:
    """An invoice, the steps and the events behind its usage, and its PDF."""
    hands, invoice = work.hands, work.customer.get("/invoices")["results"][0]
    line = next(one for one in invoice["lines"] if one["kind"] == "usage")
    hands.go_to("Invoices")
    number = hands.page.get_by_role("link", name=invoice["number"], exact=True)
    hands.follow(number)
    expect(hands.title).to_contain_text(hands.money(invoice["total"]))
    hands.unfold(hands.main.locator("summary").filter(has_text=hands.say("Why this amount?")).first)
    steps = hands.table("Steps of %(name)s", name=line["description"])
    expect(steps).to_contain_text(hands.money(line["amount"]))
    hands.follow(hands.link("Its days and events"))
    expect(hands.title).to_contain_text(hands.money(line["amount"]))
    hands.follow(number)
    assert hands.download(hands.link("Download PDF")).startswith(b"%PDF")


def take_usage_as_csv(work: Work) -> None:
    """A view of the explorer as a file, which sums to the figure."""
    hands = work.hands
    hands.go_to("Usage")
    hands.pick(hands.field("Meter"), "Units")
    hands.press(hands.button("Apply"))
    rows = list(csv.DictReader(StringIO(hands.download(hands.link("Download as CSV")).decode())))
    assert sum(Decimal(row["total"]) for row in rows) == work.used
    assert {row["unit"] for row in rows} == {"EUR"}


def invite_a_colleague_and_withdraw_it(work: Work) -> None:
    hands, colleague = work.hands, f"colleague@{work.customer.code}.example"
    hands.go_to("Settings")
    hands.follow(hands.link("See members and roles"))
    hands.follow(hands.link("Invite somebody"))
    work.prove_who_it_is()
    hands.fill(hands.field("Mail address"), colleague)
    hands.pick(hands.field("Role"), hands.say("viewer").capitalize())
    hands.press(hands.button("Send the invitation"))
    waiting = hands.row("Invitations that wait", colleague)
    expect(waiting).to_have_count(1)
    withdraw = hands.say("Withdraw the invitation of %(email)s", email=colleague)
    hands.press(waiting.get_by_role("button", name=withdraw))
    expect(hands.told).to_be_visible()
    expect(waiting).to_have_count(0)


def make_a_key_and_revoke_it(work: Work) -> None:
    """The key is shown once, works, and works no more."""
    hands, name = work.hands, "Rapport 7"
    hands.go_to("Settings")
    change = f"{hands.say('Change', 'link')} {hands.say('API keys')}"
    hands.follow(hands.main.get_by_role("link", name=change))
    hands.follow(hands.link("Make a key"))
    work.prove_who_it_is()
    hands.fill(hands.field("What it is for", "key"), name)
    hands.choose(hands.main.get_by_label(f"{hands.say('Read')} read"))
    hands.press(hands.button("Make the key"))
    shown = hands.main.get_by_role("region", name=hands.say("The key, shown this once"))
    key = shown.inner_text()
    assert _reads(work, key) == 200
    hands.follow(hands.link("API keys"))
    hands.follow(hands.main.get_by_role("link", name=name))
    expect(shown).to_have_count(0)
    hands.follow(hands.link("Revoke it"))
    hands.press(hands.button("Revoke the key"))
    expect(hands.told).to_contain_text(name)
    assert _reads(work, key) == 401


def _reads(work: Work, key: str) -> int:
    """What the API answers to a key."""
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.get(f"{work.demo.url}/api/v1/accounts/{work.customer.code}", headers=headers).status_code


def mend_the_billing_details(work: Work) -> None:
    """A VAT id that is wrong: what is wrong is said first, leads to the field, and keeps what was typed."""
    hands, wrong, right = work.hands, "FR40303265046", "FR40303265045"
    hands.go_to("Settings")
    change = f"{hands.say('Change', 'link')} {hands.say('Billing details')}"
    hands.follow(hands.main.get_by_role("link", name=change))
    number = hands.field("VAT id, if you have one")
    hands.fill(number, wrong)
    hands.press(hands.button("Save the details"))
    problem = hands.main.get_by_role("alert")
    expect(problem).to_be_focused()
    assert hands.page.title().startswith(hands.say("Error:"))
    expect(number).to_have_value(wrong)
    expect(number).to_have_accessible_description(
        re.compile(re.escape(problem.get_by_role("link").inner_text()))
    )
    hands.follow(problem.get_by_role("link"))
    expect(number).to_be_focused()
    hands.fill(number, right)
    hands.press(hands.button("Save the details"))
    expect(hands.told).to_be_visible()
    assert work.customer.get()["tax_id"] == right


@dataclass(frozen=True)
class Task:
    """`own`: needs a customer whom no other task works with. `refused`: is answered 422 on the way."""

    do: Callable[[Work], None]
    own: bool = False
    refused: bool = False
    signs_in: bool = False

    @property
    def name(self) -> str:
        return self.do.__name__


TASKS: Final = (
    Task(read_from_the_figure_to_an_event, signs_in=True),
    Task(hold_usage_to_a_limit, own=True),
    Task(change_the_plan_as_quoted, own=True),
    Task(see_why_a_line_costs_what_it_costs),
    Task(take_usage_as_csv),
    Task(invite_a_colleague_and_withdraw_it),
    Task(make_a_key_and_revoke_it),
    Task(mend_the_billing_details, refused=True),
)
