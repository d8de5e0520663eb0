"""UN/CEFACT Cross Industry Invoice (D16B, the subset of EN 16931), as Factur-X embeds it. The order is the schema's."""

from datetime import date
from typing import Final
from xml.etree.ElementTree import Element

from billing.invoices.einvoice.terms import (
    Adjustment,
    Content,
    Item,
    Party,
    Payment,
    Rate,
    Span,
    Sums,
    VatRow,
)
from billing.invoices.einvoice.xml import document, kept, node

NAMESPACES: Final = {
    "rsm": "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100",
    "ram": "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100",
    "qdt": "urn:un:unece:uncefact:data:standard:QualifiedDataType:100",
    "udt": "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100",
}
GUIDELINE: Final = "urn:cen.eu:en16931:2017"
INVOICED_OBJECT: Final = "130"
"""BT-18: our reference to what is invoiced, here the customer's account."""

INVOICE_DATE: Final = "5"
"""BT-8, UNTDID 2005: VAT is due from the date of the invoice."""


def cii_of(content: Content) -> bytes:
    """The document."""
    root = kept(
        "rsm:CrossIndustryInvoice",
        kept(
            "rsm:ExchangedDocumentContext",
            node("ram:BusinessProcessSpecifiedDocumentContextParameter", node("ram:ID", content.process)),
            node("ram:GuidelineSpecifiedDocumentContextParameter", node("ram:ID", GUIDELINE)),
        ),
        kept(
            "rsm:ExchangedDocument",
            node("ram:ID", content.number),
            node("ram:TypeCode", content.type_code),
            _day("ram:IssueDateTime", content.issued_on),
            *(
                node("ram:IncludedNote", node("ram:Content", note.text), node("ram:SubjectCode", note.code))
                for note in content.notes
            ),
        ),
        kept(
            "rsm:SupplyChainTradeTransaction",
            *(_item(item) for item in content.items),
            _agreement(content),
            node(
                "ram:ApplicableHeaderTradeDelivery",
                node(
                    "ram:ShipToTradeParty",
                    node("ram:PostalTradeAddress", node("ram:CountryID", content.deliver_to)),
                ),
            ),
            _settlement(content),
        ),
    )
    return document(root, NAMESPACES)


def _item(item: Item) -> Element:
    measure = item.measure
    return kept(
        "ram:IncludedSupplyChainTradeLineItem",
        node("ram:AssociatedDocumentLineDocument", node("ram:LineID", item.position)),
        node(
            "ram:SpecifiedTradeProduct",
            node("ram:SellerAssignedID", item.seller_id),
            node("ram:Name", item.name),
            *(
                node(
                    "ram:ApplicableProductCharacteristic",
                    node("ram:Description", name),
                    node("ram:Value", value),
                )
                for name, value in item.attributes
            ),
        ),
        node(
            "ram:SpecifiedLineTradeAgreement",
            node(
                "ram:NetPriceProductTradePrice",
                node("ram:ChargeAmount", measure.price),
                node("ram:BasisQuantity", measure.per, unitCode=measure.unit),
            ),
        ),
        node(
            "ram:SpecifiedLineTradeDelivery",
            node("ram:BilledQuantity", measure.quantity, unitCode=measure.unit),
        ),
        node(
            "ram:SpecifiedLineTradeSettlement",
            _tax("ram:ApplicableTradeTax", item.rate),
            _span(item.span),
            node(
                "ram:SpecifiedTradeSettlementLineMonetarySummation", node("ram:LineTotalAmount", item.amount)
            ),
        ),
    )


def _agreement(content: Content) -> Element | None:
    return node(
        "ram:ApplicableHeaderTradeAgreement",
        _party("ram:SellerTradeParty", content.seller, contact=content.seller.email),
        _party("ram:BuyerTradeParty", content.buyer),
        node("ram:BuyerOrderReferencedDocument", node("ram:IssuerAssignedID", content.purchase_order)),
        node(
            "ram:AdditionalReferencedDocument",
            node("ram:IssuerAssignedID", content.account),
            node("ram:TypeCode", INVOICED_OBJECT),
        ),
    )


def _party(name: str, party: Party, contact: str = "") -> Element | None:
    places = ("ram:LineOne", "ram:LineTwo", "ram:LineThree")
    return node(
        name,
        node("ram:ID", party.identifier),
        node("ram:Name", party.name),
        node("ram:SpecifiedLegalOrganization", node("ram:ID", party.legal_id, schemeID=party.legal_scheme)),
        node(
            "ram:DefinedTradeContact",
            node("ram:EmailURIUniversalCommunication", node("ram:URIID", contact)),
        ),
        node(
            "ram:PostalTradeAddress",
            node("ram:PostcodeCode", party.postcode),
            *(node(place, line) for place, line in zip(places, party.lines, strict=False)),
            node("ram:CityName", party.city),
            node("ram:CountryID", party.country),
        ),
        node("ram:URIUniversalCommunication", node("ram:URIID", party.email, schemeID="EM")),
        node("ram:SpecifiedTaxRegistration", node("ram:ID", party.vat_id, schemeID="VA")),
    )


def _settlement(content: Content) -> Element:
    return kept(
        "ram:ApplicableHeaderTradeSettlement",
        node("ram:PaymentReference", content.payment.reference if content.payment else ""),
        node("ram:InvoiceCurrencyCode", content.currency),
        _payment(content.payment) if content.payment else None,
        *(_vat(row, content.vat_due_on_issue) for row in content.vat),
        _span(content.span),
        *(_adjustment(each) for each in content.adjustments),
        node(
            "ram:SpecifiedTradePaymentTerms",
            node("ram:Description", content.terms),
            _day("ram:DueDateDateTime", content.due_on) if content.due_on else None,
        ),
        _sums(content.sums, content.currency),
        *(
            node(
                "ram:InvoiceReferencedDocument",
                node("ram:IssuerAssignedID", each.number),
                _day("ram:FormattedIssueDateTime", each.issued_on, "qdt:DateTimeString"),
            )
            for each in content.preceding
        ),
    )


def _payment(payment: Payment) -> Element | None:
    return node(
        "ram:SpecifiedTradeSettlementPaymentMeans",
        node("ram:TypeCode", payment.means),
        node(
            "ram:PayeePartyCreditorFinancialAccount",
            node("ram:IBANID", payment.iban),
            node("ram:AccountName", payment.holder),
        ),
        node("ram:PayeeSpecifiedCreditorFinancialInstitution", node("ram:BICID", payment.bic)),
    )


def _vat(row: VatRow, due_on_issue: bool) -> Element | None:
    return node(
        "ram:ApplicableTradeTax",
        node("ram:CalculatedAmount", row.amount),
        node("ram:TypeCode", "VAT"),
        node("ram:ExemptionReason", row.reason),
        node("ram:BasisAmount", row.taxable),
        node("ram:CategoryCode", row.rate.category),
        node("ram:ExemptionReasonCode", row.reason_code),
        node("ram:DueDateTypeCode", INVOICE_DATE if due_on_issue else ""),
        node("ram:RateApplicablePercent", row.rate.percent),
    )


def _adjustment(each: Adjustment) -> Element | None:
    return node(
        "ram:SpecifiedTradeAllowanceCharge",
        node("ram:ChargeIndicator", node("udt:Indicator", "true" if each.charge else "false")),
        node("ram:ActualAmount", each.amount),
        node("ram:Reason", each.reason),
        _tax("ram:CategoryTradeTax", each.rate),
    )


def _tax(name: str, rate: Rate) -> Element | None:
    return node(
        name,
        node("ram:TypeCode", "VAT"),
        node("ram:CategoryCode", rate.category),
        node("ram:RateApplicablePercent", rate.percent),
    )


def _sums(sums: Sums, currency: str) -> Element | None:
    return node(
        "ram:SpecifiedTradeSettlementHeaderMonetarySummation",
        node("ram:LineTotalAmount", sums.lines),
        node("ram:ChargeTotalAmount", sums.charges),
        node("ram:AllowanceTotalAmount", sums.allowances),
        node("ram:TaxBasisTotalAmount", sums.net),
        node("ram:TaxTotalAmount", sums.vat, currencyID=currency),
        node("ram:GrandTotalAmount", sums.gross),
        node("ram:TotalPrepaidAmount", sums.prepaid),
        node("ram:DuePayableAmount", sums.due),
    )


def _span(span: Span) -> Element | None:
    return node(
        "ram:BillingSpecifiedPeriod",
        _day("ram:StartDateTime", span.first),
        _day("ram:EndDateTime", span.last),
    )


def _day(name: str, day: date, inner: str = "udt:DateTimeString") -> Element | None:
    """A day as 20261121, which format 102 says."""
    return node(name, node(inner, f"{day:%Y%m%d}", format="102"))
