"""Every page that the rail leads to, in both themes and at three widths: quiet, unscrolled, from one origin."""

import re
from collections.abc import Iterator
from itertools import product
from typing import Final, Literal
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.visits import Visits
from tests.browser.world import IMAGE, SCRIPT, VECTOR, Customer, Person, World

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("server")]
THEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
WIDTHS = (1440, 390, 320)
FILES = (".pdf", ".csv", ".zip", ".pyz")
PLACES = ("", "usage/", "limits/", "invoices/", "plan/", "settings/")
# What sticks out to the right, itself or its text, innermost last, and the document's widths.
WIDTH_OF = """() => {
  const root = document.documentElement;
  const text = document.createRange();
  const edge = (one) => {
    text.selectNodeContents(one);
    return Math.max(...[one, text].map((all) => all.getBoundingClientRect().right));
  };
  const out = root.scrollWidth <= root.clientWidth ? [] : [...document.querySelectorAll("main *")]
    .filter((one) => edge(one) > root.clientWidth + 1)
    .map((one) => `${one.tagName}.${one.className.baseVal ?? one.className} ${one.textContent.trim().slice(0, 40)}`);
  return [root.scrollWidth, root.clientWidth, out.slice(-3)];
}"""

# What a name would do if it were markup: ask another origin, run a script, set a style.
PLANT = """() => {
  const script = document.createElement("script");
  script.textContent = "alert(1)";
  document.body.append(script);
  document.body.insertAdjacentHTML("beforeend", '<img src="http://127.0.0.2:1/x"><p style="color: red">x</p>');
  document.body.insertAdjacentHTML("beforeend", '<img src="/static/none" onerror="alert(1)">');
}"""


def kind_of(address: str) -> str:
    """What names the kind of page: the address without codes, numbers and the query's values."""
    parts = urlsplit(address)
    place, *rest = parts.path.removeprefix("/billing/").split("/")
    return f"{place} {len(rest)} {sorted(parse_qs(parts.query))}"


def pages_from_the_rail(page: Page) -> Iterator[str]:
    """Go to the rail's pages and all that they and their links lead to below /billing/, one of each kind."""
    seen = set()
    waiting = [urljoin(page.url, f"/billing/{place}") for place in PLACES]
    while waiting:
        address = waiting.pop(0).partition("#")[0]
        path = urlsplit(address).path
        if not path.startswith("/billing/") or path.endswith(FILES) or kind_of(address) in seen:
            continue
        seen.add(kind_of(address))
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == 200, address
        waiting += (
            page.get_by_role("main").get_by_role("link").evaluate_all("all => all.map((one) => one.href)")
        )
        if re.fullmatch(r"/billing/invoices/[^/]+/", path):
            waiting.append(urljoin(address, "check/"))
        yield address


@pytest.mark.parametrize("who", ["hostile", "demo"])
def test_quiet_and_within_the_screen(visits: Visits, world: World, who: str) -> None:
    person = world.hostile.person("owner")
    if who == "demo":
        login = world.demo.login("owner", "nordlicht-data")
        person = Person(login["email"], login["password"])
    page = visits.open(person)
    addresses, wide = [], []
    for address in pages_from_the_rail(page):
        addresses.append(address)
        expect(page.get_by_role("main").get_by_role("heading", level=1)).to_have_count(1)
        for theme, width in product(THEMES, WIDTHS):
            page.emulate_media(color_scheme=theme)
            page.set_viewport_size({"width": width, "height": 900})
            needed, given, out = page.evaluate(WIDTH_OF)
            if needed > given:
                wide.append(f"{address} at {width}, {theme}: {needed} px of {given}: {out}")
    assert wide == []
    kinds = {kind_of(address).split()[0] for address in addresses}
    assert kinds >= {"usage", "limits", "invoices", "exports", "upcoming", "plan", "settings"}
    assert any("/lines/" in address for address in addresses)
    assert any(address.endswith("/check/") for address in addresses)


def test_the_policy_holds_and_the_watch_sees(visits: Visits, world: World) -> None:
    page = visits.open(world.hostile.person("owner"))
    page.evaluate(PLANT)
    page.wait_for_timeout(300)
    told = "\n".join(visits.complaints)
    visits.complaints.clear()
    for directive in ("img-src", "script-src-elem", "script-src-attr", "style-src-attr"):
        assert f"policy violation {directive}" in told
    assert "dialog" not in told
    page.evaluate("() => alert('seen')")
    assert visits.complaints.pop().endswith("dialog seen")


def test_hostile_names_are_text(visits: Visits, world: World) -> None:
    customer: Customer = world.hostile
    page = visits.open(customer.person("owner"))
    expect(page.get_by_role("banner")).to_contain_text(IMAGE)
    expect(page.get_by_role("main")).to_contain_text(VECTOR)
    page.goto("/billing/plan/")
    expect(page.get_by_role("heading", level=1)).to_contain_text(f"You are on {SCRIPT}")
    page.goto("/billing/usage/?by=region")
    expect(page.get_by_role("main")).to_contain_text(IMAGE)
    page.goto("/billing/settings/")
    expect(page.get_by_role("definition").filter(has_text=IMAGE)).to_be_visible()
    invoice = next(one for one in customer.get("/invoices")["results"] if len(one["lines"]) > 1)
    page.goto(f"/billing/invoices/{invoice['number']}/")
    expect(page.get_by_role("main")).to_contain_text(IMAGE)
    line = next(one["id"] for one in invoice["lines"] if one["kind"] == "usage")
    page.goto(f"/billing/invoices/{invoice['number']}/lines/{line}/")
    expect(page.get_by_role("main")).to_contain_text(f"{SCRIPT}0")
    customer.use(1)
    page.goto("/billing/")
    page.evaluate("() => { window.unchanged = true; }")
    customer.use(1000, region=VECTOR)
    expect(page.get_by_role("heading", level=1)).to_contain_text("€47.03")
    assert page.evaluate("() => window.unchanged"), "the stream brings the names as text too"
