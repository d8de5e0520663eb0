"""axe-core finds nothing: on every page in both themes and languages, and in the states that pages come in."""

from itertools import chain
from typing import Final, Literal

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import violations
from tests.browser.test_every_page import pages_from_the_rail
from tests.browser.visits import Visits
from tests.browser.world import Customer, Person, World
from tests.patience import PATIENCE

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("server")]

type Look = tuple[Literal["light", "dark"], int]

# Both themes in both languages, and both widths in both themes.
LOOKS: Final[dict[str, tuple[Look, Look]]] = {
    "nordlicht-data": (("light", 1440), ("dark", 390)),
    "atelier-brume": (("light", 390), ("dark", 1440)),
}
SIGNED_OUT = ("accounts/login/", "accounts/password/reset/", "accounts/signup/", "billing/none/")


def found(page: Page, looks: tuple[Look, ...]) -> list[str]:
    def each(look: Look) -> list[str]:
        theme, width = look
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        page.set_viewport_size({"width": width, "height": 900})
        return [f"{theme} at {width}: {one}" for one in violations(page)]

    return list(chain.from_iterable(map(each, looks)))


@pytest.mark.parametrize("account", LOOKS)
def test_every_page(visits: Visits, world: World, account: str) -> None:
    login = world.demo.login("owner", account)
    page = visits.open(Person(login["email"], login["password"]))
    wrong = [one for _ in pages_from_the_rail(page) for one in found(page, LOOKS[account])]
    assert wrong == []


def test_axe_sees(visits: Visits, world: World) -> None:
    page = visits.open(world.plain.person("owner"))
    page.evaluate("() => document.querySelector('main').insertAdjacentHTML('beforeend', '<input><h6>x</h6>')")
    rules = " ".join(violations(page))
    assert " label " in rules
    assert " heading-order " in rules


BOTH: Final[tuple[Look, Look]] = (("light", 1440), ("dark", 390))


def stop(world: World, customer: Customer) -> None:
    """The customer is stopped at a limit."""
    with world.demo.client() as api:
        terms = {"amount": "1.00", "action": "stop", "thresholds": [50, 100]}
        assert api.put(f"/accounts/{customer.code}/limit", json=terms).status_code == 200
    customer.use(10_000)


def test_states(visits: Visits, world: World) -> None:
    """Stopped, stale, wrong, refused, empty, not there."""
    stop(world, world.halted)
    page = visits.open(world.halted.person("owner"))
    wrong = []
    for path in ("", "limits/", "upcoming/", "usage/"):
        page.goto(f"/billing/{path}")
        wrong += found(page, BOTH)
    page.goto("/billing/limits/")
    page.get_by_label("The most that usage may cost").fill("a lot")
    with visits.told("422"):
        page.get_by_role("button", name="Check the change").click()
        expect(page.get_by_role("alert")).to_be_visible()
    wrong += found(page, BOTH)
    with visits.told("503"):
        page.route("**/billing/live/**", lambda route: route.fulfill(status=503))
        page.goto("/billing/")
        expect(page.get_by_role("heading", name="Live updates paused")).to_be_visible()
        wrong += found(page, BOTH)
        page.unroute("**/billing/live/**")
        page.goto("/billing/limits/")
        page.wait_for_timeout(500)  # what the page before still had to say
    with visits.told("404"):
        page.goto("/billing/invoices/NONE/")
        wrong += found(page, BOTH)
    reader = visits.open(world.halted.person("viewer"))
    with visits.told("403"):
        reader.goto("/billing/plan/cancel/")
        wrong += found(reader, BOTH)
    novice = visits.open(world.novice.person("owner"))
    for path in ("", "usage/", "limits/", "invoices/", "upcoming/", "plan/", "plan/change/browser-dear/"):
        novice.goto(f"/billing/{path}")
        wrong += found(novice, BOTH)
    assert wrong == []


def test_signed_out(visits: Visits, world: World) -> None:
    page = visits.open(None)
    wrong = []
    with visits.told("404"):
        for path in SIGNED_OUT:
            page.goto(f"/{path}")
            wrong += found(page, BOTH)
    page.goto("/accounts/login/")
    page.get_by_label("Mail").fill("nobody@example.com")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("alert")).to_be_visible(timeout=PATIENCE * 1_000)
    wrong += found(page, BOTH)
    assert wrong == []
