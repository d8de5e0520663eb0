"""Eight tasks by keyboard alone, without scripts, on a screen 320 px wide, and in French."""

from collections.abc import Mapping
from contextlib import nullcontext
from typing import Final
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.hands import French, Hands, Keyboard, Narrow
from tests.browser.tasks import SINCE_DAYS, TASKS, UNITS, Task, Work, local_midnight
from tests.browser.visits import Visits
from tests.browser.world import Customer, World, add_members, make_customer

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("server")]
WAYS: Final[Mapping[str, type[Hands]]] = {
    "keyboard": Keyboard,
    "no scripts": Hands,
    "320 px": Narrow,
    "French": French,
}


@pytest.fixture(scope="module")
def customers(world: World) -> Mapping[str, Customer]:
    """For each way one with past and present usage ("keyboard"), and one for each task that needs its own
    ("keyboard" and the task's name).
    """
    start, found = local_midnight(SINCE_DAYS), {}
    days = [local_midnight(back).replace(hour=12) for back in range(SINCE_DAYS, 0, -1)]
    for number, (way, hands) in enumerate(WAYS.items()):
        for name in (way, *(way + task.name for task in TASKS if task.own)):
            terms = (f"browser-task-{len(found)}", f"Atelier {number}", "browser-cheap", start)
            found[name] = make_customer(world.demo, *terms, locale=hands.language)
            if name == way:
                found[name].use_daily(UNITS, days)
    add_members(world.demo, [(one.person("owner").email, one.code, "owner") for one in found.values()])
    seller = {"SELLER_NAME": "Meridian"}  # the usual one is in English
    world.demo.command("bill", "--as-of", local_midnight(0).isoformat(), extra=seller)
    return found


def begin(page: Page, world: World, customer: Customer, task: Task) -> None:
    """On the sign-in page, or signed in by a link, which asks for no password and proves nothing."""
    path = "/billing/"
    if not task.signs_in:
        with world.demo.client() as api:
            asked = {"user_email": customer.person("owner").email}
            answer = api.post(f"/accounts/{customer.code}/portal-links", json=asked)
        assert answer.status_code == 201, answer.text
        path = urlsplit(answer.json()["url"]).path
    page.goto(path)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
@pytest.mark.parametrize("way", WAYS)
def test_task(visits: Visits, world: World, customers: Mapping[str, Customer], way: str, task: Task) -> None:
    customer, hands = customers[way + task.name if task.own else way], WAYS[way]
    locale = "fr-FR" if hands.language == "fr" else "en-GB"
    page = visits.open(None, scripts=way != "no scripts", locale=locale)
    begin(page, world, customer, task)
    with visits.told("422") if task.refused else nullcontext():
        task.do(Work(hands(page), customer, world.demo))


def test_the_first_stop_skips_the_menu(visits: Visits, world: World) -> None:
    page = visits.open(world.plain.person("owner"))
    page.goto("/billing/limits/")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport(ratio=1)
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("main").locator(":focus")).to_have_count(1)
