"""Markup in every text field: each page shows it as text, runs nothing, asks nobody else, and keeps its policy."""

import json
import re
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any, Final

import pytest
from playwright.sync_api import Page, Response

from tests.browser.hostile_rows import text_fields
from tests.browser.hostile_texts import ADMIN, COPIED, NEVER, PORTAL, WRITTEN, text
from tests.browser.tasks import SINCE_DAYS, local_midnight
from tests.browser.test_every_page import pages_from_the_rail
from tests.browser.visits import Visits
from tests.browser.world import ZONE, Customer, World, add_members

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("server")]
CODE: Final = "browser-besieged"
DIMENSION: Final = text("plans.Meter.dimensions", 100)
REGION: Final = text("plans.Charge.where")
FILL: Final = f"from tests.browser.hostile_rows import fill; fill({CODE!r})"
STORED: Final = "from tests.browser.hostile_rows import stored; print(stored())"
# All that a page says, folded parts and fields too, and where it would lead but over the web.
SAID: Final = """() => {
  document.querySelectorAll("details").forEach((one) => (one.open = true));
  const typed = [...document.querySelectorAll("input, option, textarea")].map((one) => one.value);
  const leads = [...document.querySelectorAll("[href], [src], [action], [formaction]")]
    .flatMap((one) => ["href", "src", "action", "formaction"].map((name) => one.getAttribute(name) ?? ""));
  return [
    [document.documentElement.innerText, ...typed].join(" "),
    leads.filter((one) => /^\\s*(javascript|data|vbscript):/i.test(one)),
  ];
}"""
# The rows of a list of the admin, first those that have most of these texts.
ROWS: Final = """(most) => {
  const texts = (row) => (row.innerText.match(/alert\\(1\\)|onload=a/g) ?? []).length;
  return [...document.querySelectorAll("#result_list tbody tr")]
    .filter((row) => row.querySelector("a"))
    .sort((one, other) => texts(other) - texts(one)).slice(0, most).map((row) => row.querySelector("a").href);
}"""


def catalog() -> dict[str, Any]:
    def meter(code: str, aggregation: str) -> dict[str, Any]:
        words = {
            field: text(f"plans.Meter.{field}", 100) for field in ("name", "unit", "event_type", "value")
        }
        emits = {"grams_co2e_per_unit": "1", "source": text("plans.Meter.footprint")}
        return {
            "code": code,
            "aggregation": aggregation,
            "dimensions": [DIMENSION],
            "footprint": emits,
            **words,
        }

    def charge(meter: str) -> dict[str, Any]:
        return {"meter": meter, "model": "per_unit", "unit_price": "0.01", "where": {DIMENSION: [REGION]}}

    meters = [meter("hostile-units", "sum"), meter("hostile-level", "latest")]
    sold = {"currency": "EUR", "interval": "month", "base_price": "10", "public": False, "tax": "hostile-tax"}
    plan = {"code": "hostile", "name": text("plans.PlanVersion.name"), **sold}
    tax = {
        "code": "hostile-tax",
        "name": text("plans.TaxRate.name"),
        "rate": "20",
        "country": "FR",
        "category": "S",
    }
    charges = [charge(one["code"]) for one in meters]
    return {"catalog": 1, "meters": meters, "plans": [{**plan, "charges": charges}], "taxes": [tax]}


def event(number: int, **more: str) -> dict[str, Any]:
    used = {text("plans.Meter.value", 100): 100, DIMENSION: REGION, "note": text("usage.Event.data")}
    named = {"id": f"{text('usage.Event.event_id')} {number}", "source": text("usage.Event.source")}
    kind = text("plans.Meter.event_type", 100)
    return {"specversion": "1.0", "type": kind, "subject": CODE, "data": used, **named, **more}


def account(code: str) -> dict[str, Any]:
    held = {
        name: text(f"accounts.Account.{name}", 50) for name in ("name", "email", "legal_id", "purchase_order")
    }
    address = {name: text(f"accounts.Account.{name}", 100) for name in ("line1", "line2", "city")}
    where = {**address, "postcode": text("accounts.Account.postcode", 20)}
    known = {"currency": "EUR", "timezone": ZONE.key, "locale": "en", "country": "FR"}
    return {"code": code, "address": where, **known, **held}


@pytest.fixture(scope="module")
def besieged(world: World) -> Customer:
    """A customer whose every field says something that would be markup."""
    demo = world.demo
    with demo.client() as api:
        assert (answer := api.put("/catalog", json=catalog())).status_code == 200, answer.text
        for code in (CODE, f"{CODE}-parked"):
            assert (answer := api.post("/accounts", json=account(code))).status_code == 201, answer.text
        terms = {"plan": "hostile", "start": local_midnight(SINCE_DAYS).isoformat(), "anchor": "start"}
        answer = api.post(f"/accounts/{CODE}/subscriptions", json=terms)
        assert answer.status_code == 201, answer.text
    days = [local_midnight(back).replace(hour=12).isoformat() for back in range(SINCE_DAYS, 0, -4)]
    events = [event(number, time=at) for number, at in enumerate(days)]
    aside = ("source", "id", "type", "subject")
    names = {"id": "event_id"}
    words = {name: text(f"usage.QuarantinedEvent.{names.get(name, name)}", 100) for name in aside}
    events.append({**event(99), **words, "data": {"x": text("usage.QuarantinedEvent.body")}})
    with demo.client("ingest") as api:
        assert (answer := api.post("/events", json=events)).status_code == 200, answer.text
    customer = Customer(
        CODE, text("accounts.Account.name", 50), "", demo.client("read"), demo.client("ingest"), count()
    )
    add_members(demo, [(customer.person("owner").email, CODE, "owner")])
    demo.command("shell", "-v", "0", "-c", FILL)
    return customer


def test_every_text_field_is_entered() -> None:
    tables: tuple[Mapping[str, str], ...] = (WRITTEN, COPIED, NEVER)
    assert sum(map(len, tables)) == len(set().union(*tables)), "in one table each"
    assert set(text_fields()) == set().union(*tables)


def test_the_texts_are_stored(world: World, besieged: Customer) -> None:
    stored = set(json.loads(world.demo.command("shell", "-v", "0", "-c", STORED).splitlines()[-1]))
    assert {*WRITTEN, *COPIED} - stored == set()


class Siege:
    """What pages say on the way of a crawl. `policies` are those of the pages' answers, `leads` what is no web link."""

    def __init__(self, page: Page) -> None:
        self.said, self.page = "", page
        self.policies, self.leads = set[str](), list[str]()
        page.on("response", self._note)

    def _note(self, answer: Response) -> None:
        if answer.headers.get("content-type", "").startswith("text/html"):
            self.policies.add(answer.headers.get("content-security-policy", f"none: {answer.url}"))

    def look(self) -> None:
        said, leads = self.page.evaluate(SAID)
        self.said += said
        self.leads += leads

    def unseen(self, place: str) -> set[str]:
        """Fields that were to be shown, whole and as text, and were not."""
        said = _plain(self.said)
        return {
            field
            for field, where in WRITTEN.items()
            if where == place and not any(one in said for one in _forms(field))
        }


def _forms(field: str) -> list[str]:
    """The text, by the room that its field has."""
    return [_plain(text(field, most)) for most in (200, 30, 20)]


def _plain(said: str) -> str:
    """Without what pages do to a text: spaces, capitals, and the backslashes of JSON."""
    return " ".join(said.replace("\\", "").split()).casefold()


def assert_held(siege: Siege) -> None:
    assert siege.leads == []
    assert siege.policies
    for policy in siege.policies:
        assert "script-src 'self'" in policy
        assert "unsafe-" not in policy


def test_the_portal_holds(visits: Visits, world: World, besieged: Customer) -> None:
    page = visits.open(besieged.person("owner"))
    siege = Siege(page)
    for _ in pages_from_the_rail(page):
        siege.look()
    for one in besieged.get("/invoices")["results"]:
        page.goto(f"/billing/invoices/{one['number']}/")
        siege.look()
    assert_held(siege)
    assert siege.unseen(PORTAL) == set()


def admin_pages(page: Page) -> Iterator[str]:
    """Each list of the admin, and of each the two rows that have most of these texts."""
    page.goto("/admin/")
    links = page.locator("#content").get_by_role("link").evaluate_all("all => all.map((one) => one.href)")
    for address in dict.fromkeys(one for one in links if re.fullmatch(r".*/admin/\w+/\w+/", one)):
        page.goto(address)
        yield address
        for row in page.evaluate(ROWS, 2):
            page.goto(row)
            yield row


def test_the_admin_holds(visits: Visits, world: World, besieged: Customer) -> None:
    staff = world.demo.login(None, None)
    page = visits.open(None)
    page.goto("/accounts/login/?next=/admin/")
    page.get_by_label("Mail").fill(staff["email"])
    page.get_by_label("Password").fill(staff["password"])
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/admin/")
    siege = Siege(page)
    for _ in admin_pages(page):
        siege.look()
    assert_held(siege)
    assert siege.unseen(ADMIN) == set()
