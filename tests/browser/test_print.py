"""Pages on paper: A4, without what only a screen can work, with where and when they were printed."""

from datetime import datetime
from io import BytesIO
from typing import Final

import pytest
from playwright.sync_api import Locator, Page, expect
from pypdf import PdfReader

from tests.browser.visits import Visits
from tests.browser.world import ZONE, Person, World

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("server")]
PAGES: Final = ("", "usage/", "limits/", "invoices/", "upcoming/", "plan/", "plan/change/scale/")
INK_WIDTH: Final = 688
"""CSS px of 182 mm: A4 less the margins of portal.css. 96 px are an inch of 25.4 mm."""
A4_POINTS: Final = (595.3, 841.9)
"""Points: 72 are an inch."""
# What is cut off to the right, where a screen would let one scroll.
CUT: Final = """() => [...document.querySelectorAll("main *")]
  .filter((one) => getComputedStyle(one).overflowX !== "visible" && one.clientWidth > 1)
  .filter((one) => one.scrollWidth > one.clientWidth + 1)
  .map((one) => `cut off: ${one.outerHTML.slice(0, 80)}`)"""
PLANT: Final = """() => document.querySelector("main").insertAdjacentHTML(
  "beforeend", "<button>Press</button><pre>" + "wide ".repeat(400) + "</pre>"
  + "<div class=code><b class=nowrap>" + "wide ".repeat(400))"""


def shown(found: Locator) -> list[str]:
    return [one.inner_text() or one.inner_html() for one in found.all() if one.is_visible()]


def faults(page: Page) -> list[str]:
    """What of the open page is no matter of paper, and what is too wide for it."""
    page.emulate_media(media="print")
    page.set_viewport_size({"width": INK_WIDTH, "height": 900})
    screen = [f"{role}: {one}" for role in ("navigation", "button") for one in shown(page.get_by_role(role))]
    needed = page.evaluate("() => document.scrollingElement.scrollWidth")
    wide = [f"{needed} px wide"] * (needed > INK_WIDTH) + page.evaluate(CUT)
    sheets = PdfReader(BytesIO(page.pdf(prefer_css_page_size=True, format="A4"))).pages
    sizes = {(one.mediabox.width, one.mediabox.height) for one in sheets}
    words = "".join(one.extract_text() for one in sheets)
    footer = [] if _stamp(page) in "".join(words.split()) else [f"no {_stamp(page)} on paper"]
    other = [f"a sheet of {one} points" for one in sizes if one != pytest.approx(A4_POINTS, abs=1)]
    return screen + wide + other + footer


def _stamp(page: Page) -> str:
    """Where and when, without spaces, which a PDF sets as it likes."""
    today = datetime.now(ZONE)
    where = page.url.partition("://")[2]
    return "".join(f"Printed from {where} · as of {today.day} {today:%b %Y}".split())


def test_on_paper(visits: Visits, world: World) -> None:
    login = world.demo.login("owner", "nordlicht-data")
    page = visits.open(Person(login["email"], login["password"]))
    with world.demo.client("read") as api:
        invoice = api.get("/accounts/nordlicht-data/invoices").json()["results"][0]["number"]
    wrong = {}
    for path in (*PAGES, f"invoices/{invoice}/"):
        page.emulate_media(media="screen")
        page.goto(f"/billing/{path}")
        expect(page.get_by_role("heading", level=1)).to_have_count(1)
        wrong |= {path: found} if (found := faults(page)) else {}
    assert wrong == {}


def test_the_look_sees(visits: Visits, world: World) -> None:
    """What has no business on paper is found."""
    page = visits.open(world.plain.person("owner"))
    page.evaluate(PLANT)
    told = "\n".join(faults(page))
    assert "button: Press" in told
    assert "px wide" in told
    assert "cut off: <div" in told
