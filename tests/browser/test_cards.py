"""A card added and an invoice paid with it, in the browser, on a product of its own beside a Stripe of its own."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.visits import Visits, go
from tests.browser.world import Person
from tests.payments.conftest import ASKS, DECLINED, GOOD, SECRET, LocalStripe, localstripe
from tests.server.running import Demo, free_port
from tests.worker.test_process import until

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("cards")]
stripe_process = localstripe  # a fixture


@pytest.fixture(scope="module")
def selling(
    chromium: Browser, localstripe: LocalStripe, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Demo]:
    """The demo with cards; Stripe tells it what happens."""
    data = tmp_path_factory.mktemp("demo with cards") / "data"
    demo = Demo(data, free_port(), extra=localstripe.environment)
    try:
        demo.start()
        news = {"url": f"{demo.url}/webhooks/stripe/", "secret": SECRET}
        localstripe.post("/_config/webhooks/plainbill", {**news, "events": ["payment_intent.succeeded"]})
        yield demo
    finally:
        demo.stop()


@pytest.fixture
def open_page(
    chromium: Browser, selling: Demo, localstripe: LocalStripe
) -> Iterator[Callable[[str], tuple[Page, str]]]:
    visits = Visits(chromium, selling.url, {}, also=(localstripe.url,))

    def opened(account: str) -> tuple[Page, str]:
        """The owner's page of an account, and the number of its invoice that is open."""
        users = selling.info["users"]
        owner = next(one for one in users if (one["role"], one["account"]) == ("owner", account))
        return visits.open(Person(owner["email"], owner["password"])), open_invoice(selling, account)

    yield opened
    visits.close()
    assert visits.complaints == []


def open_invoice(demo: Demo, account: str) -> str:
    """Of a subscription that ends today, where none is open yet."""
    with demo.client() as api:
        running = api.get(f"/accounts/{account}/subscriptions").json()["results"]
        for one in running:
            if one["status"] != "canceled":
                assert api.delete(f"/subscriptions/{one['id']}", params={"when": "now"}).status_code == 200
        found = api.get(f"/accounts/{account}/invoices").json()["results"]
    return next(str(one["number"]) for one in found if one["status"] == "issued")


def status(demo: Demo, number: str) -> str:
    with demo.client() as api:
        return str(api.get(f"/invoices/{number}").json()["status"])


def add_card(page: Page, number: str) -> None:
    go(page, "Invoices")
    page.get_by_role("link", name="How you pay").click()
    page.get_by_role("button", name="Add a card").click()
    typed = {"number": number, "exp_month": "12", "exp_year": "31", "cvc": "123", "postal_code": "75011"}
    for name, value in typed.items():
        page.get_by_placeholder(name, exact=True).fill(value)
    page.get_by_role("button", name="Save the card").click()
    if number == ASKS:
        page.get_by_role("button", name="Complete authentication").click()
    expect(page.get_by_role("status")).to_have_text(f"Visa •••• {number[-4:]} is added.")


def test_a_card_pays_an_invoice(open_page: Callable[[str], tuple[Page, str]], selling: Demo) -> None:
    page, number = open_page("kestrel-robotics")
    add_card(page, DECLINED)
    page.goto(f"/billing/invoices/{number}/")
    page.get_by_role("button", name="with Visa •••• 0341").click()
    expect(page.get_by_role("status")).to_contain_text("Your card was declined.")
    assert status(selling, number) == "issued"
    add_card(page, GOOD)
    page.goto(f"/billing/invoices/{number}/")
    page.get_by_label("Card", exact=True).select_option("Visa •••• 4242")
    page.get_by_role("button", name="Pay US$").click()
    expect(page.get_by_role("status")).to_contain_text("is paid with Visa •••• 4242. Thank you.")
    expect(page.get_by_role("heading", name="Payment by card")).to_have_count(0)
    assert status(selling, number) == "paid"


def test_a_bank_asks_its_customer(open_page: Callable[[str], tuple[Page, str]], selling: Demo) -> None:
    page, number = open_page("nordlicht-data")
    add_card(page, ASKS)
    page.goto(f"/billing/invoices/{number}/")
    page.get_by_role("button", name="with Visa •••• 3220").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your bank asks you to confirm")
    page.get_by_role("button", name="Continue to your bank").click()
    page.get_by_role("button", name="Complete authentication").click()
    expect(page.get_by_role("status")).to_contain_text("is paid with Visa •••• 3220. Thank you.")
    assert status(selling, number) == "paid"


def test_stripe_tells_of_a_payment_whose_browser_never_came_back(
    open_page: Callable[[str], tuple[Page, str]], selling: Demo, localstripe: LocalStripe
) -> None:
    page, number = open_page("atelier-brume")
    page.get_by_role("contentinfo").get_by_role("button", name="English").click()
    add_card(page, ASKS)
    page.goto(f"/billing/invoices/{number}/")
    page.get_by_role("button", name="with Visa •••• 3220").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your bank asks you to confirm")
    (waiting,) = [one for one in localstripe.payments() if one["status"] == "requires_action"]
    assert status(selling, number) == "issued"
    localstripe.answer_bank(waiting["id"], waiting["client_secret"], confirm=True)
    until(lambda: status(selling, number) == "paid", selling.data / "demo.log")
