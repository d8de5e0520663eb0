"""The printed invoice, read back from its PDF."""

import hashlib
import http.server
import io
import threading
from datetime import timedelta
from decimal import Decimal

import pypdf
import pytest
from django.utils import timezone

from accounts.models import Account
from billing.invoices.actions import bill_account
from billing.invoices.models import Invoice
from billing.invoices.paper.figures import Figures, locale_of
from billing.invoices.pdf import ensure_document, invoice_pdf, print_html
from billing.invoices.rendering import render_waiting
from billing.limits.actions import set_limit
from billing.plans.actions import Actor, cancel
from tests.invoices import world
from tests.invoices.world import utc

TIERS = [
    *(
        {"up_to": str(n * 1_000_000_000), "unit_price": f"{50 - n}.5", "flat_price": "0"}
        for n in range(1, 40)
    ),
    {"up_to": None, "unit_price": "9.87654"},
]


@pytest.fixture(autouse=True)
def _catalog(db: None) -> None:
    world.load(
        world.plan(
            "long",
            {"code": "output_tokens", "model": "graduated", "tiers": TIERS},
            {**world.IN, "unit_price": "1.234567"},
            name="A plan with a name of sixty characters, which is quite long",
        )
    )


def text_of(pdf: bytes) -> str:
    text = "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages)
    return text.replace("\N{NARROW NO-BREAK SPACE}", " ").replace("\N{NO-BREAK SPACE}", " ")


def february(account: Account) -> Invoice:
    world.on_plan(account, "team", utc(2026, 1, 31, 23))
    for day in range(1, 29):
        world.use(account, utc(2026, 2, day, 12), output_tokens=500_000 * day, input_tokens=3_000_000 + day)
    return bill_account(account, utc(2026, 3, 1))[-1]


def test_paper_says_what_the_invoice_says() -> None:
    """203,000,000 output tokens: 180 + 5 + 193 × 16 = 3,273.00; 84,000,406 input tokens: 210.00; base 49.00."""
    account = world.customer(name="Atelier Brume", timezone="Europe/Paris", purchase_order="PO-1187")
    invoice = february(account)
    document = ensure_document(invoice)
    text = text_of(bytes(document.pdf))
    assert hashlib.sha256(document.pdf).digest() == bytes(document.sha256)
    assert invoice.amount_due == Decimal("4238.40")
    for shown in ("€4,238.40", "3,273.00", "210.001015", "193,000,000", "PO-1187", "1 to 28 February 2026"):
        assert shown in text, shown
    assert invoice.number in text
    assert invoice_pdf(invoice) == bytes(document.pdf)


def test_in_french() -> None:
    text = text_of(invoice_pdf(february(world.customer(locale="fr", timezone="Europe/Paris"))))
    for shown in (
        "Facture",
        "4 238,40 €",
        "du 1ᵉʳ au 28 février 2026",
        "Net à payer",
        "TVA 20 % sur 3 532,00",
        "jetons",
    ):
        assert shown in text, shown


def test_is_an_archive_with_its_own_fonts() -> None:
    reader = pypdf.PdfReader(io.BytesIO(invoice_pdf(february(world.customer()))))
    metadata = reader.trailer["/Root"]["/Metadata"].get_data().decode()  # type: ignore[index]
    assert "<pdfaid:part>3</pdfaid:part>" in metadata.replace(
        'pdfaid:part="3"', "<pdfaid:part>3</pdfaid:part>"
    )
    fonts = {str(font) for page in reader.pages for font in _fonts(page)}
    assert fonts
    assert all("Inter" in font for font in fonts), fonts


def _fonts(page: pypdf.PageObject) -> list[object]:
    return [font.get_object()["/BaseFont"] for font in page["/Resources"]["/Font"].values()]  # type: ignore[index]


def test_a_credit_note_says_what_is_given_back() -> None:
    account = world.customer()
    subscription = world.on_plan(account, "team", timezone.now())
    bill_account(account, timezone.now())
    cancel(subscription, "now", actor=Actor.INSTALLATION)
    [note] = bill_account(account, timezone.now())
    text = text_of(invoice_pdf(note))
    assert "Credit note FC-000001" in text
    assert f"€{note.total}".rstrip("0")[:4] in text
    assert "Payment by bank transfer" not in text


def test_a_waiver_names_the_limit() -> None:
    account = world.customer()
    world.on_plan(account, "free", timezone.now() - timedelta(days=10))
    set_limit(account, "5", "stop")
    world.use(account, timezone.now() - timedelta(days=1), input_tokens=3_000_000)
    [invoice] = bill_account(account, timezone.now() + timedelta(days=40))
    text = " ".join(text_of(invoice_pdf(invoice)).split())
    assert "Your limit of €5.00 held: the €2.50 that passed it are waived." in text
    assert "your limit 5.00, reached on" in text
    assert "\N{MINUS SIGN}2.50" in text


def test_large_and_many_figures_stay_on_the_page() -> None:
    account = world.customer(name="Wolfeschlegelsteinhausenbergerdorff & Söhne Versicherungs AG")
    world.on_plan(account, "long", utc(2026, 2, 1))
    world.use(account, utc(2026, 2, 3), output_tokens=45_000_000_000, input_tokens="100000000000.123456")
    text = text_of(invoice_pdf(bill_account(account, utc(2026, 3, 1))[-1]))
    assert "39,000,000,000" in text
    assert "1,248,759,240,000.00" in text
    assert "1 Output tokens, continued" in text
    assert "Page 3 of 3" in text


def test_long_unit_prices_keep_off_the_quantities() -> None:
    tiers = [{"up_to": str(1000 * n), "unit_price": f"{100000 - n}.123456"} for n in range(1, 40)]
    charge = {
        "code": "output_tokens",
        "model": "graduated",
        "tiers": [*tiers, {"up_to": None, "unit_price": "3"}],
    }
    world.load(world.plan("dear", charge, base_price="123456789012.34"))
    account = world.customer()
    world.on_plan(account, "dear", utc(2026, 2, 1))
    world.use(account, utc(2026, 2, 3), output_tokens=2_000)
    text = " ".join(text_of(invoice_pdf(bill_account(account, utc(2026, 3, 1))[-1])).split())
    assert " 1,000 99,999.123456 99,999,123.456 " in text
    assert " 1 123,456,789,012.34 123,456,789,012.34 " in text


class _Listener(http.server.BaseHTTPRequestHandler):
    hits = 0

    def do_GET(self) -> None:
        type(self).hits += 1
        self.send_response(200)
        self.end_headers()


@pytest.fixture
def listener() -> object:
    server = http.server.HTTPServer(("127.0.0.1", 0), _Listener)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/x"
    server.shutdown()


def test_hostile_names_are_text_and_fetch_nothing(listener: str) -> None:
    hostile = f'<img src="{listener}"><style>@import "{listener}";</style>{{{{ 7|add:1 }}}}'
    account = world.customer(name=hostile[:200], line1=f'<iframe src="{listener}">', city='<b>"&</b>')
    text = text_of(invoice_pdf(february(account)))
    assert "<img src=" in text.replace("\n", "")
    assert '<b>"&</b>' in text
    assert _Listener.hits == 0


def test_even_html_of_our_own_fetches_nothing(listener: str) -> None:
    """The control: the same addresses unescaped, in every place that WeasyPrint would follow."""
    print_html(
        f"""<link rel=stylesheet href="{listener}"><style>@import url({listener}); p {{ background: url({listener}) }}
        </style><img src="{listener}"><img src="file:///etc/passwd"><object data="{listener}"></object>
        <svg><image href="{listener}"/></svg><link rel=attachment href="file:///etc/passwd"><p>text"""
    )
    assert _Listener.hits == 0


def test_the_background_prints_what_nobody_asked_for() -> None:
    account = world.customer()
    world.on_plan(account, "team", utc(2026, 1, 1))
    bill_account(account, utc(2026, 2, 1))
    assert (render_waiting(), render_waiting()) == (2, 0)


@pytest.mark.parametrize(
    ("value", "text", "places"),
    [
        ("254.806528", "254.806528", 6),
        ("-25.290322580645", "\N{MINUS SIGN}25.290322…", 7),
        ("5", "5.00", 2),
        ("0.000000000001", "0.000000…", 7),
        ("123456789012.123456789", "123,456,789,012.123…", 4),
        ("99999999999999999999.5", "99,999,999,999,999,999,999.50", 2),
    ],
)
def test_figures_are_cut_never_rounded(value: str, text: str, places: int) -> None:
    figure = Figures(locale_of("en"), "EUR").figure(Decimal(value), 2)
    assert (figure.text, figure.places) == (text, places)
