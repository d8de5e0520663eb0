"""Electronic invoices of real issued documents, by the official schemas and rules, and by sums of our own."""

import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import facturx
import pypdf
import pytest
from django.utils import timezone
from lxml import etree

from billing.invoices.actions import bill_account, credit_note, record_prepayment
from billing.invoices.einvoice import invoice_cii, invoice_ubl, is_representable
from billing.invoices.models import Invoice
from billing.invoices.pdf import invoice_pdf, render
from billing.plans.actions import Actor, cancel, confirm_change, load_catalog, redeem
from billing.plans.models import Plan
from tests.invoices import world
from tests.invoices.einvoice.checking import (
    CII_RULES,
    FRENCH_CII_RULES,
    FRENCH_UBL_RULES,
    UBL_RULES,
    rule_faults,
    schema_faults,
)
from tests.invoices.world import utc

D = Decimal
SIREN, VAT_ID, IBAN = "552100554", "FR36552100554", "FR7630006000011234567890189"
SELLER: dict[str, str] = {
    "name": "Nuage Atlantique SAS",
    "address": "8 quai de la Fosse, 44000 Nantes",
    "country": "FR",
    "vat_id": VAT_ID,
    "legal_id": SIREN,
    "iban": IBAN,
    "bic": "AGRIFRPP",
}
CII = {"r": "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100"}
_UBL = "urn:oasis:names:specification:ubl:schema:xsd:"
UBL = {"c": f"{_UBL}CommonBasicComponents-2", "a": f"{_UBL}CommonAggregateComponents-2"}


@pytest.fixture(autouse=True)
def _sold(db: None, settings: Any) -> None:
    settings.SELLER = replace(settings.SELLER, **SELLER)
    settings.DEFAULT_FROM_EMAIL = "Nuage <billing@nuage.example>"
    world.load(world.plan("mixed", {**world.OUT, "tax": "fr-55"}, world.IN, world.CALLS))


def clean(invoice: Invoice) -> None:
    """Schemas, rules, sums, and the file in the PDF."""
    cii, ubl = invoice_cii(invoice), invoice_ubl(invoice)
    assert schema_faults(cii) == []
    assert rule_faults(cii, CII_RULES) == []
    assert schema_faults(ubl) == []
    assert rule_faults(ubl, UBL_RULES) == []
    sums_hold(invoice, etree.fromstring(cii), etree.fromstring(ubl))
    pdf = invoice_pdf(invoice)
    assert facturx.get_facturx_xml_from_pdf(pdf, check_xsd=False) == ("factur-x.xml", cii)


def sums_hold(invoice: Invoice, cii: etree._Element, ubl: etree._Element) -> None:
    """What no schematron compares: each line's quantity × price, the lines and taxes with the issued row."""
    rows = list(invoice.lines.order_by("position"))
    lines = list(cii.iterfind(".//r:IncludedSupplyChainTradeLineItem", CII))
    ubl_lines = ubl.xpath("//a:InvoiceLine | //a:CreditNoteLine", namespaces=UBL)
    assert len(rows) == len(lines) == len(ubl_lines) > 0
    for row, line, same in zip(rows, lines, ubl_lines, strict=True):
        found = figures(
            line, CII, "r:BilledQuantity", "r:ChargeAmount", "r:BasisQuantity", "r:LineTotalAmount"
        )
        quantity = "c:InvoicedQuantity" if invoice.kind == Invoice.Kind.INVOICE else "c:CreditedQuantity"
        assert found == figures(
            same, UBL, quantity, "c:PriceAmount", "c:BaseQuantity", "c:LineExtensionAmount"
        )
        billed, price, per, total = found
        assert total == row.amount
        half = D(1).scaleb(total.as_tuple().exponent) / 2  # type: ignore[operator]
        assert abs(billed * price / per - total) <= half
        assert price >= 0
    sums = cii.find(".//r:SpecifiedTradeSettlementHeaderMonetarySummation", CII)
    names = (
        "LineTotal",
        "ChargeTotal",
        "AllowanceTotal",
        "TaxTotal",
        "GrandTotal",
        "TotalPrepaid",
        "DuePayable",
    )
    told = figures(sums, CII, *(f"r:{name}Amount" for name in names))
    discount = sum(D(each["amount"]) for each in invoice.snapshot["discounts"])
    assert told[0] == invoice.subtotal == sum(row.amount for row in rows)
    assert told[1] - told[2] == -discount
    assert told[3:] == [invoice.tax_total, invoice.total, invoice.credits_applied, invoice.amount_due]
    vat = {(D(of.findtext("r:RateApplicablePercent", "0", CII))): of for of in vat_rows(cii)}
    for tax in invoice.snapshot["taxes"]:
        basis, amount = figures(vat[D(tax["rate"])], CII, "r:BasisAmount", "r:CalculatedAmount")
        of_rate = sum(row.amount for row in rows if row.tax_rate == D(tax["rate"]))
        assert basis == of_rate - D(tax["discount"])
        assert abs(basis * D(tax["rate"]) / 100 - amount) <= D("0.005")
    due = figures(ubl.find(".//a:LegalMonetaryTotal", UBL), UBL, "c:PayableAmount")
    assert due == [invoice.amount_due]


def vat_rows(cii: etree._Element) -> Iterator[etree._Element]:
    return cii.iterfind(".//r:ApplicableHeaderTradeSettlement/r:ApplicableTradeTax", CII)


def figures(element: Any, names: dict[str, str], *paths: str) -> list[Decimal]:
    return [D(element.findtext(f".//{path}", None, names)) for path in paths]


def texts(xml: bytes, path: str) -> list[str]:
    names = CII if b"CrossIndustryInvoice" in xml[:300] else UBL
    return [each.text or "" for each in etree.fromstring(xml).iterfind(path, names)]


def february(read: str = "12345678", **fields: Any) -> Invoice:
    """Two rates, four charges with one price, with several and with packages, and a base price in advance."""
    account = world.customer(**fields)
    world.on_plan(account, "mixed", utc(2026, 2, 1))
    world.use(account, utc(2026, 2, 5), output_tokens=4_000_000, input_tokens=read)
    world.send(world.event(account, utc(2026, 2, 6), type_="api") for _ in range(3))
    return bill_account(account, utc(2026, 3, 1))[-1]


def test_several_rates() -> None:
    invoice = february(name="Atelier & Fils <SARL>", purchase_order="PO-1187")
    clean(invoice)
    cii = invoice_cii(invoice)
    assert [
        row.findtext("r:RateApplicablePercent", None, CII) for row in vat_rows(etree.fromstring(cii))
    ] == [
        "5.5",
        "20",
    ]
    priced = etree.fromstring(cii).xpath("//r:BilledQuantity", namespaces=CII)
    assert [(each.text, each.get("unitCode")) for each in priced] == [
        ("1", "C62"),
        ("12345678", "C62"),
        ("1", "XPK"),
        ("1", "MON"),
    ]
    assert texts(cii, ".//r:NetPriceProductTradePrice/r:ChargeAmount")[1] == "0.0025"
    assert texts(cii, ".//r:NetPriceProductTradePrice/r:BasisQuantity")[1] == "1000"
    assert texts(cii, ".//r:ApplicableProductCharacteristic/r:Value")[0] == "4000000 tokens"
    assert texts(cii, ".//r:BuyerOrderReferencedDocument/r:IssuerAssignedID") == ["PO-1187"]


def test_reverse_charge() -> None:
    invoice = february(code="de", country="DE", tax_id="DE136695976")
    clean(invoice)
    assert texts(invoice_cii(invoice), ".//r:ExemptionReasonCode") == ["VATEX-EU-AE"]
    assert texts(invoice_ubl(invoice), ".//c:TaxExemptionReason") == ["Reverse charge"]


def test_credit_note() -> None:
    account = world.customer()
    subscription = world.on_plan(account, "team", timezone.now() - timedelta(days=2))
    [charged] = bill_account(account, timezone.now())
    cancel(subscription, "now", actor=Actor.INSTALLATION)
    [note] = bill_account(account, timezone.now())
    assert note.kind == Invoice.Kind.CREDIT_NOTE
    clean(note)
    cii, ubl = invoice_cii(note), invoice_ubl(note)
    assert texts(cii, ".//r:InvoiceReferencedDocument/r:IssuerAssignedID") == [charged.number]
    assert texts(ubl, ".//a:InvoiceDocumentReference/c:ID") == [charged.number]
    assert b"<rsm:ExchangedDocument>" in cii
    assert b">381<" in cii
    assert b"<CreditNote " in ubl


@pytest.mark.parametrize("locale", ["en", "fr"])
def test_credit_notes_by_hand(locale: str) -> None:
    """Wholly and by line, with discounts over two rates: the reason is a note, the invoice is named."""
    load_catalog({"catalog": 1, "coupons": [{"code": "WELCOME", "percent": "15"}]})
    account = world.customer(locale=locale)
    redeem(account, "WELCOME", at=utc(2026, 1, 1))
    world.on_plan(account, "mixed", utc(2026, 2, 1))
    world.use(account, utc(2026, 2, 5), output_tokens=4_000_000, input_tokens=12_345_678)
    invoice = bill_account(account, utc(2026, 3, 1))[-1]
    first, _second, third = invoice.lines.order_by("position")
    part = credit_note(invoice, {first.pk: D("12.34"), third.pk: D("49")}, reason="An outage", by=None)
    for note in (part, credit_note(invoice, reason="The rest", by=None)):
        clean(note)
        cii, ubl = invoice_cii(note), invoice_ubl(note)
        assert texts(cii, ".//r:InvoiceReferencedDocument/r:IssuerAssignedID") == [invoice.number]
        assert texts(ubl, ".//a:InvoiceDocumentReference/c:ID") == [invoice.number]
        reason = note.snapshot["credits"]["reason"]
        for said in (texts(cii, ".//r:IncludedNote/r:Content")[0], texts(ubl, "c:Note")[0]):
            assert reason in said
            assert invoice.number in said


def test_prepayment_and_the_invoice_that_uses_it() -> None:
    """386, paid already; then the definitive one, which names it and says the tax that was invoiced there."""
    account = world.customer()
    prepaid = record_prepayment(account, D("30.00"), utc(2026, 1, 20), reference="SEPA", by=None)
    assert schema_faults(invoice_cii(prepaid)) == []
    assert rule_faults(invoice_cii(prepaid), CII_RULES) == []
    assert schema_faults(invoice_ubl(prepaid)) == []
    assert rule_faults(invoice_ubl(prepaid), UBL_RULES) == []
    assert b">386<" in invoice_cii(prepaid)
    assert texts(invoice_cii(prepaid), ".//r:TotalPrepaidAmount") == ["30.00"]
    assert texts(invoice_cii(prepaid), ".//r:DuePayableAmount") == ["0.00"]
    world.on_plan(account, "team", utc(2026, 2, 1))
    [invoice] = bill_account(account, utc(2026, 2, 2))
    clean(invoice)
    assert texts(invoice_cii(invoice), ".//r:InvoiceReferencedDocument/r:IssuerAssignedID") == [
        prepaid.number
    ]
    assert "VAT of 5.00" in texts(invoice_cii(invoice), ".//r:IncludedNote/r:Content")[0]
    for document in (prepaid, invoice):
        assert rule_faults(invoice_cii(document), FRENCH_CII_RULES) == []
        assert rule_faults(invoice_ubl(document), FRENCH_UBL_RULES) == []


def test_yen() -> None:
    account = world.customer("jp", country="JP", currency="JPY", timezone="Asia/Tokyo")
    world.on_plan(account, "yen", utc(2026, 2, 1))
    world.use(account, utc(2026, 2, 3), input_tokens=3)
    invoice = bill_account(account, utc(2026, 3, 2))[-1]
    clean(invoice)
    assert texts(invoice_cii(invoice), ".//r:LineTotalAmount") == ["2", "1000", "1002"]


def test_discount_and_prepaid() -> None:
    """A coupon over two rates is an allowance of each; credit of an earlier credit note is what was paid before."""
    load_catalog({"catalog": 1, "coupons": [{"code": "WELCOME", "percent": "15"}]})
    account = world.customer()
    first = world.on_plan(account, "studio", timezone.now() - timedelta(days=2))
    bill_account(account, timezone.now())
    cancel(first, "now", actor=Actor.INSTALLATION)
    bill_account(account, timezone.now())
    world.on_plan(account, "mixed", timezone.now())
    redeem(account, "WELCOME")
    world.use(account, timezone.now(), output_tokens=4_000_000, input_tokens=12_345_678)
    invoice = bill_account(account, timezone.now() + timedelta(days=32))[-1]
    assert invoice.credits_applied > 0
    assert len(invoice.snapshot["taxes"]) == 2
    clean(invoice)
    reasons = texts(invoice_cii(invoice), ".//r:SpecifiedTradeAllowanceCharge/r:Reason")
    assert reasons == ["Coupon WELCOME", "Coupon WELCOME"]


def test_a_discount_that_is_taken_back_is_a_charge() -> None:
    """Late usage takes 10.00 of a discounted period back, and with it 2.00 of discount: a negative line, a charge."""
    load_catalog({"catalog": 1, "coupons": [{"code": "ONCE", "percent": "20", "periods": 1}]})
    account, now = world.customer(), timezone.now()
    redeem(account, "ONCE", at=now - timedelta(days=60))
    world.on_plan(account, "studio", now - timedelta(days=34))
    at = now - timedelta(days=20)
    world.send([world.event(account, at, id_="known", output_tokens=1_500_000)])
    bill_account(account, now)
    world.send([{**world.event(account, at, id_="known", output_tokens=500_000), "revision": 1}])
    invoice = bill_account(account, now + timedelta(days=29))[-1]
    assert world.amounts(invoice) == [("base", "99.00"), ("late_usage", "-10.00")]
    clean(invoice)
    cii = invoice_cii(invoice)
    assert texts(cii, ".//r:BilledQuantity") == ["1", "-1"]
    assert texts(cii, ".//r:SpecifiedTradeAllowanceCharge/r:Reason") == ["Coupon ONCE, taken back"]
    assert texts(cii, ".//r:ChargeTotalAmount") == ["2.00"]


def test_five_hundred_lines() -> None:
    """Three plans of 170 charges within one period."""
    models = [f"m{place}" for place in range(1, 171)]
    charges = [
        {**world.IN, "code": f"c-{model}", "meter": "input_tokens", "where": {"model": model}}
        for model in models
    ]
    plans = ("wide", "wider", "widest")
    world.load(*(world.plan(code, *charges) for code in plans))
    account = world.customer()
    subscription = world.on_plan(account, plans[0], utc(2026, 2, 1))
    for day, code in zip((1, 10, 20), plans, strict=True):
        if code != plans[0]:
            plan = Plan.objects.get(code=code)
            confirm_change(subscription, plan, at=utc(2026, 2, day), actor=Actor.INSTALLATION)
        at = utc(2026, 2, day + 1)
        world.send(
            world.event(account, at, input_tokens=f"{place}23456.7", model=model)
            for place, model in enumerate(models, 1)
        )
    invoice = bill_account(account, utc(2026, 3, 1))[-1]
    assert invoice.lines.count() > 500
    clean(invoice)


def test_french_business_to_business() -> None:
    """The rules of the French reform besides: company numbers, coded notes, services, VAT on debits, four decimals."""
    buyer = {"legal_id": "732829320", "tax_id": "FR44732829320", "locale": "fr", "timezone": "Europe/Paris"}
    invoice = february("12345678.123456", **buyer)
    clean(invoice)
    cii, ubl = invoice_cii(invoice), invoice_ubl(invoice)
    assert rule_faults(cii, FRENCH_CII_RULES) == []
    assert rule_faults(ubl, FRENCH_UBL_RULES) == []
    assert texts(cii, ".//r:IncludedNote/r:SubjectCode") == ["AAB", "PMD", "PMT"]
    assert texts(cii, ".//r:BilledQuantity")[1] == "12345678.1235"
    assert "12345678.123456 jetons" in texts(cii, ".//r:ApplicableProductCharacteristic/r:Value")
    assert texts(cii, ".//r:DueDateTypeCode") == ["5", "5"]
    assert texts(cii, ".//r:SpecifiedTradePaymentTerms/r:Description")[0].startswith(
        "À payer avant la fin du"
    )
    assert texts(ubl, ".//a:PartyLegalEntity/c:CompanyID") == [SIREN, "732829320"]


def test_outside_the_scope_of_vat() -> None:
    """No rate, and no VAT ids on it."""
    account = world.customer("us", country="US", tax_id="123456789")
    world.on_plan(account, "team", utc(2026, 2, 1))
    [invoice] = bill_account(account, utc(2026, 2, 2))
    clean(invoice)
    cii = invoice_cii(invoice)
    assert set(texts(cii, ".//r:CategoryCode")) == {"O"}
    assert texts(cii, ".//r:RateApplicablePercent") == []
    assert texts(cii, ".//r:SpecifiedTaxRegistration/r:ID") == []


def test_old_rows_without_codes_and_references() -> None:
    """Snapshots of before the electronic invoice keep neither."""
    invoice = february()
    for name in ("mention_codes", "preceding"):
        del invoice.snapshot[name]
    cii = invoice_cii(invoice)
    assert schema_faults(cii) == []
    assert rule_faults(cii, CII_RULES) == []
    assert texts(cii, ".//r:IncludedNote/r:SubjectCode") == []


def test_the_file_in_the_pdf() -> None:
    """An associated file, named once; one block of metadata, with the schema of its own names; the same bytes again."""
    invoice = february(code="archive")
    pdf = render(invoice)
    assert render(invoice) == pdf
    root: Any = pypdf.PdfReader(io.BytesIO(pdf)).trailer["/Root"]
    [file] = root["/AF"]
    assert (file["/AFRelationship"], file["/F"]) == ("/Alternative", "factur-x.xml")
    assert file["/EF"]["/F"]["/Subtype"] == "/text/xml"
    assert root["/Names"]["/EmbeddedFiles"]["/Names"][0] == "factur-x.xml"
    packet = etree.fromstring(root["/Metadata"].get_data())
    rdf = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
    [block] = packet.iter(f"{rdf}RDF")
    fx = "{urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#}"
    assert [each.text for each in block.iter(f"{fx}*")] == ["factur-x.xml", "INVOICE", "1.0", "EN 16931"]
    pdfa = "{http://www.aiim.org/pdfa/ns/id/}"
    marks = [each for each in block if each.get(f"{pdfa}part")]
    assert [(each.get(f"{pdfa}part"), each.get(f"{pdfa}conformance")) for each in marks] == [("3", "A")]
    names = [each.text for each in block.iter("{http://www.aiim.org/pdfa/ns/property#}name")]
    assert names == ["DocumentFileName", "DocumentType", "Version", "ConformanceLevel"]


def test_three_decimals_have_no_electronic_invoice() -> None:
    """EN 16931 cannot say the amounts; the paper is there all the same."""
    world.load(world.plan("dinar", {**world.IN, "unit_price": "0.001"}, currency="KWD", base_price="1.234"))
    account = world.customer("kw", country="KW", currency="KWD")
    world.on_plan(account, "dinar", utc(2026, 2, 1))
    [invoice] = bill_account(account, utc(2026, 2, 2))
    assert not is_representable("KWD")
    with pytest.raises(ValueError, match="KWD"):
        invoice_cii(invoice)
    assert "/AF" not in pypdf.PdfReader(io.BytesIO(invoice_pdf(invoice))).trailer["/Root"]  # type: ignore[operator]
