"""How long a page needs to answer a hand (Event Timing, as INP takes it), with a processor four times slower."""

import shutil

from playwright.sync_api import Page, Playwright

from tests.browser.conftest import ARGUMENTS
from tests.browser.visits import Visits
from tests.browser.world import Person
from tests.server.running import Demo

SLOWER = 4
# The longest of the interactions since the page was opened, in ms. Chromium tells of those from 16 ms on.
WATCH = """() => {
  window.longest = 0;
  new PerformanceObserver((list) => {
    for (const one of list.getEntries()) {
      if (one.interactionId) window.longest = Math.max(window.longest, one.duration);
    }
  }).observe({ type: "event", durationThreshold: 16, buffered: true });
}"""


def slowest_answers(playwright: Playwright, demo: Demo, account: str) -> dict[str, float]:
    """ms by what was done, each the longest of what it took."""
    browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
    visits = Visits(browser, demo.url, {})
    login = demo.login("owner", account)
    page = visits.open(Person(login["email"], login["password"]))
    page.set_viewport_size({"width": 390, "height": 844})
    page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    found = {act.__name__.strip("_").replace("_", " "): act(page) for act in ACTS}
    visits.close()
    browser.close()
    return found


def _begin(page: Page, path: str) -> None:
    page.goto(f"/billing/{path}", wait_until="load")
    page.wait_for_timeout(500)
    page.evaluate(WATCH)


def _longest(page: Page) -> float:
    page.wait_for_timeout(500)
    return float(page.evaluate("() => window.longest"))


def _open_the_menu(page: Page) -> float:
    _begin(page, "")
    page.get_by_role("banner").get_by_text("Menu", exact=True).click()
    page.keyboard.press("Escape")
    return _longest(page)


def _open_the_table_of_a_chart(page: Page) -> float:
    _begin(page, "")
    page.get_by_text("The same figures as a table").click()
    return _longest(page)


def _pause_and_resume(page: Page) -> float:
    _begin(page, "")
    page.get_by_role("button", name="Pause live updates").click()
    page.get_by_role("button", name="Resume live updates").click()
    return _longest(page)


def _type_a_limit(page: Page) -> float:
    _begin(page, "limits/")
    page.get_by_label("The most that usage may cost").press_sequentially("1234.56")
    return _longest(page)


def _move_a_slider(page: Page) -> float:
    _begin(page, "simulate/")
    page.locator("input[type=range]").first.focus()
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    return _longest(page)


ACTS = (_open_the_menu, _open_the_table_of_a_chart, _pause_and_resume, _type_a_limit, _move_a_slider)
