"""Who may not: a viewer changes nothing, another customer finds nothing, a stranger is asked to sign in."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.visits import Visits, go, token
from tests.browser.world import Customer, World

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("server")]


def pages_of(customer: Customer) -> list[str]:
    """Every address that names something of this customer: invoices, their PDFs, the lines that have usage behind."""
    found = []
    for invoice in customer.get("/invoices")["results"]:
        own = f"/billing/invoices/{invoice['number']}"
        used = [line["id"] for line in invoice["lines"] if line["kind"] == "usage"]
        files = [f"{own}.pdf", f"{own}/proof.zip"]
        found += [f"{own}/", f"{own}/check/", *files, *(f"{own}/lines/{line}/" for line in used)]
    return found


def status(page: Page, path: str) -> int:
    return page.context.request.get(path, max_redirects=0).status


def test_a_viewer_reads_and_changes_nothing(visits: Visits, world: World) -> None:
    page = visits.open(world.past.person("viewer"))
    go(page, "Limits")
    expect(page.get_by_role("heading", name="Your limit")).to_be_visible()
    expect(page.get_by_label("The most that usage may cost")).to_have_count(0)
    expect(page.get_by_role("button", name="Check the change")).to_have_count(0)
    expect(page.get_by_text("Owners and billing members may change it.")).to_be_visible()
    go(page, "Plan")
    expect(page.get_by_role("heading", level=1)).to_contain_text("You are on Cheap")
    expect(page.get_by_role("link", name="See the quote for")).to_have_count(0)
    expect(page.get_by_role("link", name="Cancel")).to_have_count(0)
    expect(page.get_by_text("I have a code")).to_have_count(0)

    limit = {"amount": "5", "action": "stop", "threshold": "50"}
    posts = {
        "limits/check/": limit,
        "limits/confirm/": limit,
        "plan/change/browser-dear/confirm/": {"when": "now", "quote_now": "x"},
        "plan/take-back/": {},
        "plan/cancel/": {},
        "plan/reactivate/": {},
        "plan/coupon/": {"code": "x"},
    }
    proof = {"csrfmiddlewaretoken": token(page)}
    for path, form in posts.items():
        answer = page.context.request.post(f"/billing/{path}", form={**proof, **form}, max_redirects=0)
        assert answer.status == 403, path
        assert "Your role does not allow this" in answer.text(), f"{path} was refused for another reason"
    for path in ("plan/change/browser-dear/", "plan/cancel/", "plan/reactivate/"):
        assert status(page, f"/billing/{path}") == 403, path
    assert world.past.get("/limit")["amount"] is None
    with world.demo.client("read") as api:
        subscription = api.get(f"/subscriptions/{world.past.subscription}").json()
    assert (subscription["plan"], subscription["scheduled_change"]) == ("browser-cheap", None)
    assert all(status(page, path) == 200 for path in pages_of(world.past)), "reading is for every role"


def test_another_customer_finds_nothing(visits: Visits, world: World) -> None:
    paths = pages_of(world.past)
    assert len(paths) > 6
    page = visits.open(world.hostile.person("owner"))
    assert {path: status(page, path) for path in paths} == dict.fromkeys(paths, 404)
    own = pages_of(world.hostile)
    assert {status(page, path) for path in own} == {200}, "the same addresses answer their owner"
    line = next(path for path in paths if "/lines/" in path).rpartition("/lines/")[2]
    mixed = f"{own[0]}lines/{line}"
    assert status(page, mixed) == 404, "a foreign line below an own invoice"
    answer = page.context.request.post(
        "/billing/switch/",
        form={"csrfmiddlewaretoken": token(page), "account": world.past.code},
        max_redirects=0,
    )
    assert answer.status == 404
    page.reload()
    expect(page.get_by_role("banner")).to_contain_text(world.hostile.name)


def test_a_stranger_is_asked_to_sign_in(visits: Visits, world: World) -> None:
    page = visits.open(None)
    for path in ["/billing/", "/billing/limits/", "/billing/live/", *pages_of(world.past)]:
        answer = page.context.request.get(path, max_redirects=0)
        assert answer.status in (302, 401, 403), path
        assert world.past.name not in answer.text()
    page.goto("/billing/limits/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
