"""What a page weighs the first time, and that it stands still: the brief's gates, on every page.

Weighed as it comes over the wire, with nothing in the cache.
"""

from collections import Counter
from typing import Any

import pytest
from playwright.sync_api import CDPSession, Page

from tests.browser.test_every_page import pages_from_the_rail
from tests.browser.visits import Visits
from tests.browser.world import Person, World

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("server")]
KILO = 1_000
GATES = {"Document": 25, "Stylesheet": 14, "Script": 20, "Font": 30, "all": 90}
"""Most kB on the wire by kind."""
MAX_REQUESTS = 8
MAX_SHIFT = 0.02
"""How far a page may move by itself: cumulative layout shift."""
SHIFTS = """() => new Promise((resolve) => {
  const entries = [];
  const watch = new PerformanceObserver((list) => entries.push(...list.getEntries()));
  watch.observe({ type: "layout-shift", buffered: true });
  setTimeout(() => resolve([
    entries.filter((one) => !one.hadRecentInput).reduce((sum, one) => sum + one.value, 0),
    entries.flatMap((one) => one.sources.map(({ node }) => node?.id || node?.className || node?.nodeName)).join(" "),
  ]), 150);
})"""


class Wire:
    """Bytes that came for the page that is open, by kind; the cache is off."""

    def __init__(self, page: Page) -> None:
        self.session: CDPSession = page.context.new_cdp_session(page)
        self.session.send("Network.enable")
        self.session.send("Network.setCacheDisabled", {"cacheDisabled": True})
        self.session.on("Network.responseReceived", self._begin)
        self.session.on("Network.loadingFinished", self._end)
        self.clear()

    def clear(self) -> None:
        self._kinds: dict[str, str] = {}
        self._wire: dict[str, int] = {}

    def _begin(self, told: dict[str, Any]) -> None:
        self._kinds[told["requestId"]] = told["type"]

    def _end(self, told: dict[str, Any]) -> None:
        self._wire[told["requestId"]] = int(told["encodedDataLength"])

    def sizes(self) -> Counter[str]:
        found = Counter[str]()
        for request, size in list(self._wire.items()):
            kind = self._kinds.get(request, "Other")
            found[kind] += size
        found["all"] = found.total()
        return found

    def faults(self) -> list[str]:
        sizes = self.sizes()
        heavy = [f"{name}: {sizes[name]} B" for name, most in GATES.items() if sizes[name] > most * KILO]
        count = len(self._kinds)
        return heavy if count <= MAX_REQUESTS else [*heavy, f"{count} requests"]


def test_light_and_still(visits: Visits, world: World, capsys: pytest.CaptureFixture[str]) -> None:
    login = world.demo.login("owner", "nordlicht-data")
    page = visits.open(Person(login["email"], login["password"]))
    wire, wrong, seen = Wire(page), list[str](), list[tuple[int, int, str]]()
    for address in pages_from_the_rail(page):
        wire.clear()
        page.goto(address, wait_until="load")
        sizes = wire.sizes()
        assert sizes["Document"] > 0
        assert sizes["Stylesheet"] > 0
        seen.append((sizes["all"], sizes["Document"], address))
        wrong += [f"{address}: {one}" for one in wire.faults()]
        moved, what = page.evaluate(SHIFTS)
        if moved > MAX_SHIFT:
            wrong.append(f"{address} moves by {moved:.3f}: {what}")
    heaviest = max(seen)
    with capsys.disabled():
        print(
            f"\nheaviest first view: {heaviest[0] / KILO:.1f} kB, page {heaviest[1] / KILO:.1f}: {heaviest[2]}"
        )
    assert wrong == []


def test_the_gates_see(visits: Visits, world: World) -> None:
    page = visits.open(world.plain.person("owner"))
    wire = Wire(page)
    page.route(
        "**/billing/usage/", lambda route: route.fulfill(body="<p>" + "x" * 26_000, content_type="text/html")
    )
    page.goto("/billing/usage/")
    assert any(one.startswith("Document") for one in wire.faults()), wire.sizes()


def test_the_gate_of_stillness_sees(visits: Visits, world: World) -> None:
    page = visits.open(world.plain.person("owner"))
    page.evaluate(
        "() => document.querySelector('main').insertAdjacentHTML('afterbegin', '<p class=mt12>x</p>'.repeat(4))"
    )
    assert page.evaluate(SHIFTS)[0] > MAX_SHIFT
