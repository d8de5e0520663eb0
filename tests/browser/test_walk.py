"""The walk that a customer takes, with scripts and without: figure, limit, plan, invoice."""

import random
import re
import subprocess
import time
from calendar import monthrange
from collections.abc import Callable
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.visits import Visits, euros, facts, go, table_rows
from tests.browser.world import ZONE, Customer, World
from tests.patience import PATIENCE

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("server")]
EVENTS = 20
# Resolves with the clock's milliseconds at the frame that shows the heading with `wanted`, or null after a while.
WATCH = """([wanted, patience]) => {
  window.shown = new Promise((resolve) => {
    const look = () => {
      if (!document.querySelector("h1").innerText.includes(wanted)) return;
      observer.disconnect();
      requestAnimationFrame(() => resolve(Date.now()));
    };
    const observer = new MutationObserver(look);
    observer.observe(document.body, { subtree: true, childList: true, characterData: true });
    setTimeout(() => resolve(null), patience);
    look();
  });
}"""


def seconds_to_screen(page: Page, customer: Customer, units: int, spend: Decimal) -> float:
    """From before an event is sent until the page shows the `spend` that it leads to."""
    page.evaluate(WATCH, [euros(spend), PATIENCE * 1_000])
    sent = time.time()
    customer.use(units)
    shown = page.evaluate("() => window.shown")
    assert shown is not None, (
        f"{euros(spend)} was not shown: {page.get_by_role('heading', level=1).inner_text()}"
    )
    return float(shown) / 1000 - sent


def test_the_figure_moves_by_itself(
    visits: Visits,
    world: World,
    record_property: Callable[[str, object], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    page = visits.open(world.walker.person("owner"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("No usage yet")
    page.evaluate("() => { window.unchanged = true; }")
    first = seconds_to_screen(page, world.walker, 150, Decimal("1.50"))
    pauses = random.Random(7)
    found = []
    for number in range(EVENTS):
        # Anywhere between two messages of the stream, as events really come.
        page.wait_for_timeout(pauses.uniform(0, 900))
        found.append(seconds_to_screen(page, world.walker, 100, Decimal("2.50") + number))
    assert page.evaluate("() => window.unchanged"), "the page was loaded again"
    found.sort()
    p95 = found[-(-len(found) * 95 // 100) - 1]
    told = f"first {first:.2f} s; then median {found[len(found) // 2]:.2f}, p95 {p95:.2f}, worst {found[-1]:.2f} s"
    record_property("event_to_screen", told)
    with capsys.disabled():
        print(f"\nevent to screen, {EVENTS} events: {told}")


def test_the_figure_moves_after_a_first_connection_that_failed(visits: Visits, world: World) -> None:
    page = visits.open(world.past.person("owner"))
    with visits.told("503"):
        page.route("**/billing/live/**", lambda route: route.fulfill(status=503))
        page.reload()
        expect(page.get_by_role("heading", name="Live updates paused")).to_be_visible()
        page.unroute("**/billing/live/**")
        expect(page.get_by_role("heading", name="Live updates paused")).to_be_hidden()
    spent = Decimal(world.past.get("/spend")["usage_total"])
    world.past.use(100)
    expect(page.get_by_role("heading", level=1)).to_contain_text(euros(spent + 1))


def test_the_figure_moves_where_no_stream_comes_through(visits: Visits, world: World) -> None:
    page = visits.open(world.past.person("owner"))
    stale = page.get_by_role("heading", name="Live updates paused")
    with visits.told("503"):
        page.clock.install()
        page.route(re.compile(r"/billing/live/(\?|$)"), lambda route: route.fulfill(status=503))
        page.reload()
        expect(stale).to_be_visible()
        spent = Decimal(world.past.get("/spend")["usage_total"])
        world.past.use(100)
        page.clock.fast_forward(31_000)
        expect(page.get_by_role("heading", level=1)).to_contain_text(euros(spent + 1))
        expect(stale).to_be_hidden()
        page.get_by_role("button", name="Pause live updates").click()
        expect(stale).to_be_visible()
        world.past.use(100)
        page.clock.fast_forward(61_000)
        expect(page.get_by_role("heading", level=1)).to_contain_text(euros(spent + 1))


def test_the_figure_moves_though_its_extension_came_late(visits: Visits, world: World) -> None:
    page = visits.open(world.past.person("owner"))

    def late(route: Route) -> None:
        time.sleep(1)
        route.continue_()

    page.route(re.compile("/hx-sse-.*js"), late)
    page.reload()
    expect(page.get_by_role("button", name="Pause live updates")).to_be_visible()


def test_the_figure_without_scripts(visits: Visits, world: World) -> None:
    page = visits.open(world.plain.person("owner"), scripts=False)
    expect(page.get_by_role("heading", level=1)).to_contain_text("No usage yet")
    world.plain.use(12_345)
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_contain_text("You have used €123.45 since")
    world.plain.use(100)
    page.get_by_role("link", name="Refresh").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("You have used €124.45 since")


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_set_a_limit(visits: Visits, world: World, scripts: bool) -> None:
    customer = world.walker if scripts else world.plain
    page = visits.open(customer.person("owner"), scripts=scripts)
    go(page, "Limits")
    amount, stop = page.get_by_label("The most that usage may cost"), page.get_by_label("Stop", exact=True)
    expect(stop).not_to_be_checked()
    expect(page.get_by_label("Tell me", exact=True)).not_to_be_checked()
    amount.fill("500")
    stop.check()
    page.get_by_role("button", name="Check the change").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Check your limit")
    spent = customer.get("/spend")["usage_total"]
    shown = facts(page)
    assert shown["Limit before"] == "none"
    assert shown["Limit from now on"] == "€500.00"
    assert shown["At the limit"] == "Stop"
    assert shown["Used in this period"] == euros(spent)
    assert customer.get("/limit")["amount"] is None, "nothing changes before it is confirmed"
    page.get_by_role("button", name="Set the limit to €500.00").click()

    expect(page.get_by_role("status").filter(has_text="Your limit is €500.00 since")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_text(
        f"Usage stops at €500.00. You have {euros(500 - Decimal(spent))} left."
    )
    limit = customer.get("/limit")
    assert (limit["amount"], limit["action"], limit["thresholds"]) == ("500.00", "stop", [50, 80, 100])


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_a_limit_that_is_wrong(visits: Visits, world: World, scripts: bool) -> None:
    page = visits.open(world.past.person("owner"), scripts=scripts)
    go(page, "Limits")
    page.get_by_label("The most that usage may cost").fill("a lot")
    with visits.told("422"):
        page.get_by_role("button", name="Check the change").click()
        expect(page.get_by_role("alert")).to_contain_text("There is a problem")
    assert page.title().startswith("Error:")
    expect(page.get_by_label("The most that usage may cost")).to_have_value("a lot")
    for words in ("Enter the limit as an amount, such as 500.00", "Choose what happens at the limit"):
        expect(page.get_by_role("alert").get_by_role("link", name=words)).to_be_visible()
    assert world.past.get("/limit")["amount"] is None


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_change_the_plan(visits: Visits, world: World, scripts: bool) -> None:
    customer = world.walker if scripts else world.plain
    path = f"/subscriptions/{customer.subscription}"
    with world.demo.client() as api:
        asked = {"plan": "browser-dear", "when": "now", "preview": True}
        preview = api.post(f"{path}/changes", json=asked).json()
    amounts = [Decimal(line["amount"]) for line in preview["lines"]]
    assert [line["kind"] for line in preview["lines"]] == ["proration", "proration"]
    assert amounts == prorated("10", "40"), "the day of change belongs to the new plan"

    page = visits.open(customer.person("owner"), scripts=scripts)
    go(page, "Plan")
    page.get_by_role("link", name="See the quote for Dear").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("From Cheap to Dear")
    rows = table_rows(page, "Stay or switch. EUR.")
    assert rows[0][-1] == "Switch today"
    shown = {row[0]: row[-1] for row in rows[1:]}
    for line, amount in zip(preview["lines"], amounts, strict=True):
        assert shown[line["description"]] == euros(amount)
    page.get_by_label("Today").check()
    expect(page.get_by_label("Today")).to_have_accessible_description(
        re.compile(re.escape(euros(sum(amounts))))
    )
    page.get_by_role("button", name="Confirm Dear").click()

    expect(page.get_by_role("heading", level=1)).to_contain_text("You are on Dear, €40.00")
    expect(page.get_by_role("status")).to_be_visible()
    with world.demo.client("read") as api:
        assert api.get(path).json()["plan"] == "browser-dear"
    lines = {line["description"]: line["amount"] for line in customer.get("/spend")["lines"]}
    page.goto("/billing/upcoming/")
    drafted = {row[0]: row[-1] for row in table_rows(page, "Lines of the next invoice") if len(row) == 3}
    for line, amount in zip(preview["lines"], amounts, strict=True):
        assert Decimal(lines[line["description"]]) == amount, "the change made is the change shown"
        assert drafted[line["description"]] == euros(amount)


def prorated(before: str, after: str) -> list[Decimal]:
    """The unused days of this month of one price back, and the same days of another."""
    today = datetime.now(ZONE).date()
    days = monthrange(today.year, today.month)[1]
    left = days - today.day + 1
    shares = (-Decimal(before) * left / days, Decimal(after) * left / days)
    return [share.quantize(Decimal("0.01"), ROUND_HALF_UP) for share in shares]


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_download_an_invoice(visits: Visits, world: World, scripts: bool, tmp_path: Path) -> None:
    invoice = world.past.get("/invoices")["results"][0]
    page = visits.open(world.clerk, scripts=scripts)
    page.get_by_role("banner").get_by_text("Account").first.click()
    page.get_by_role("button", name="Settled Ltd").click()
    expect(page.get_by_role("banner")).to_contain_text("Settled Ltd")
    go(page, "Invoices")
    rows = {row[0]: row for row in table_rows(page, "Invoices, newest first")[1:]}
    assert len(rows) == len(world.past.get("/invoices")["results"])
    total = euros(invoice["total"])
    assert total in rows[invoice["number"]]
    page.get_by_role("link", name=invoice["number"], exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(total)
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download PDF").click()
    file = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(file)
    assert file.name == f"{invoice['number']}.pdf"
    assert file.read_bytes().startswith(b"%PDF")
    text = subprocess.run(
        ["pdftotext", "-layout", str(file), "-"], capture_output=True, text=True, check=True
    ).stdout
    assert total in text
    assert invoice["number"] in text
