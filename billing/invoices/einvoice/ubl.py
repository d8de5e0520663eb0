"""UBL 2.1 Invoice and CreditNote, in the binding of EN 16931. The order is the schema's."""

from typing import Final
from xml.etree.ElementTree import Element

from billing.invoices.einvoice.terms import Adjustment, Content, Item, Note, Party, Rate, Span, VatRow
from billing.invoices.einvoice.xml import document, kept, node

_OASIS: Final = "urn:oasis:names:specification:ubl:schema:xsd:"
NAMESPACES: Final = {
    "cac": _OASIS + "CommonAggregateComponents-2",
    "cbc": _OASIS + "CommonBasicComponents-2",
}
CUSTOMIZATION: Final = "urn:cen.eu:en16931:2017"
INVOICED_OBJECT: Final = "130"
"""BT-18: our reference to what is invoiced, here the customer's account."""

INVOICE_DATE: Final = "3"
"""BT-8, UNTDID 2475 as the binding maps it: VAT is due from the date of the invoice."""


def ubl_of(content: Content) -> bytes:
    """The document."""
    name = "CreditNote" if content.is_credit_note else "Invoice"
    root = kept(
        name,
        *_head(content, name),
        node("cac:AccountingSupplierParty", _party(content.seller, contact=content.seller.email)),
        node("cac:AccountingCustomerParty", _party(content.buyer)),
        node("cac:Delivery", node("cac:DeliveryLocation", node("cac:Address", _country(content.deliver_to)))),
        _payment(content),
        node("cac:PaymentTerms", node("cbc:Note", content.terms)),
        *(_adjustment(each, content.currency) for each in content.adjustments),
        node(
            "cac:TaxTotal",
            _amount("cbc:TaxAmount", content.sums.vat, content.currency),
            *(_subtotal(row, content.currency) for row in content.vat),
        ),
        _sums(content),
        *(_item(item, content) for item in content.items),
    )
    return document(root, {"": f"{_OASIS}{name}-2", **NAMESPACES})


def _head(content: Content, name: str) -> list[Element | None]:
    is_invoice = not content.is_credit_note
    return [
        node("cbc:CustomizationID", CUSTOMIZATION),
        node("cbc:ProfileID", content.process),
        node("cbc:ID", content.number),
        node("cbc:IssueDate", content.issued_on.isoformat()),
        node("cbc:DueDate", content.due_on.isoformat()) if content.due_on and is_invoice else None,
        node(f"cbc:{name}TypeCode", content.type_code),
        *(node("cbc:Note", _note(note)) for note in content.notes),
        node("cbc:DocumentCurrencyCode", content.currency),
        _span(content.span, INVOICE_DATE if content.vat_due_on_issue else ""),
        node("cac:OrderReference", node("cbc:ID", content.purchase_order)),
        *(
            node(
                "cac:BillingReference",
                node(
                    "cac:InvoiceDocumentReference",
                    node("cbc:ID", each.number),
                    node("cbc:IssueDate", each.issued_on.isoformat()),
                ),
            )
            for each in content.preceding
        ),
        node(
            "cac:AdditionalDocumentReference",
            node("cbc:ID", content.account),
            node("cbc:DocumentTypeCode", INVOICED_OBJECT),
        ),
    ]


def _note(note: Note) -> str:
    """UBL has no place for the code: the binding puts it between number signs."""
    return f"#{note.code}#{note.text}" if note.code else note.text


def _party(party: Party, contact: str = "") -> Element | None:
    lines = dict(zip(("street", "additional", "third"), party.lines, strict=False))
    return node(
        "cac:Party",
        node("cbc:EndpointID", party.email, schemeID="EM"),
        node("cac:PartyIdentification", node("cbc:ID", party.identifier)),
        node(
            "cac:PostalAddress",
            node("cbc:StreetName", lines.get("street")),
            node("cbc:AdditionalStreetName", lines.get("additional")),
            node("cbc:CityName", party.city),
            node("cbc:PostalZone", party.postcode),
            node("cac:AddressLine", node("cbc:Line", lines.get("third"))),
            _country(party.country),
        ),
        node("cac:PartyTaxScheme", node("cbc:CompanyID", party.vat_id), _vat()) if party.vat_id else None,
        node(
            "cac:PartyLegalEntity",
            node("cbc:RegistrationName", party.name),
            node("cbc:CompanyID", party.legal_id, schemeID=party.legal_scheme),
        ),
        node("cac:Contact", node("cbc:ElectronicMail", contact)),
    )


def _country(code: str) -> Element | None:
    return node("cac:Country", node("cbc:IdentificationCode", code))


def _payment(content: Content) -> Element | None:
    payment = content.payment
    if payment is None:
        return None
    return node(
        "cac:PaymentMeans",
        node("cbc:PaymentMeansCode", payment.means),
        node("cbc:PaymentID", payment.reference),
        node(
            "cac:PayeeFinancialAccount",
            node("cbc:ID", payment.iban),
            node("cbc:Name", payment.holder),
            node("cac:FinancialInstitutionBranch", node("cbc:ID", payment.bic)),
        ),
    )


def _adjustment(each: Adjustment, currency: str) -> Element | None:
    return node(
        "cac:AllowanceCharge",
        node("cbc:ChargeIndicator", "true" if each.charge else "false"),
        node("cbc:AllowanceChargeReason", each.reason),
        _amount("cbc:Amount", each.amount, currency),
        _tax("cac:TaxCategory", each.rate),
    )


def _subtotal(row: VatRow, currency: str) -> Element | None:
    return node(
        "cac:TaxSubtotal",
        _amount("cbc:TaxableAmount", row.taxable, currency),
        _amount("cbc:TaxAmount", row.amount, currency),
        _tax(
            "cac:TaxCategory",
            row.rate,
            node("cbc:TaxExemptionReasonCode", row.reason_code),
            node("cbc:TaxExemptionReason", row.reason),
        ),
    )


def _sums(content: Content) -> Element | None:
    sums, currency = content.sums, content.currency
    return node(
        "cac:LegalMonetaryTotal",
        _amount("cbc:LineExtensionAmount", sums.lines, currency),
        _amount("cbc:TaxExclusiveAmount", sums.net, currency),
        _amount("cbc:TaxInclusiveAmount", sums.gross, currency),
        _amount("cbc:AllowanceTotalAmount", sums.allowances, currency),
        _amount("cbc:ChargeTotalAmount", sums.charges, currency),
        _amount("cbc:PrepaidAmount", sums.prepaid, currency),
        _amount("cbc:PayableAmount", sums.due, currency),
    )


def _item(item: Item, content: Content) -> Element | None:
    measure, currency = item.measure, content.currency
    line, quantity = ("CreditNoteLine", "Credited") if content.is_credit_note else ("InvoiceLine", "Invoiced")
    return node(
        f"cac:{line}",
        node("cbc:ID", item.position),
        node(f"cbc:{quantity}Quantity", measure.quantity, unitCode=measure.unit),
        _amount("cbc:LineExtensionAmount", item.amount, currency),
        _span(item.span),
        node(
            "cac:Item",
            node("cbc:Name", item.name),
            node("cac:SellersItemIdentification", node("cbc:ID", item.seller_id)),
            _tax("cac:ClassifiedTaxCategory", item.rate),
            *(
                node("cac:AdditionalItemProperty", node("cbc:Name", name), node("cbc:Value", value))
                for name, value in item.attributes
            ),
        ),
        node(
            "cac:Price",
            _amount("cbc:PriceAmount", measure.price, currency),
            node("cbc:BaseQuantity", measure.per, unitCode=measure.unit),
        ),
    )


def _tax(name: str, rate: Rate, *reasons: Element | None) -> Element | None:
    return node(name, node("cbc:ID", rate.category), node("cbc:Percent", rate.percent), *reasons, _vat())


def _vat() -> Element | None:
    return node("cac:TaxScheme", node("cbc:ID", "VAT"))


def _amount(name: str, amount: str, currency: str) -> Element | None:
    return node(name, amount, currencyID=currency)


def _span(span: Span, point: str = "") -> Element | None:
    return node(
        "cac:InvoicePeriod",
        node("cbc:StartDate", span.first.isoformat()),
        node("cbc:EndDate", span.last.isoformat()),
        node("cbc:DescriptionCode", point),
    )
