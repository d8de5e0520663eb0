"""Reads of billing/invoices: issued documents as the contract shows them. Status is derived, never stored."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from django.db.models import Q

from accounts.models import Account
from billing.invoices.models import Invoice, InvoiceLine
from billing.invoices.standing import Status, standing, standing_at_issue
from billing.plans.queries import plan_terms
from billing.pricing.charges import Charge
from billing.pricing.dates import utc
from billing.pricing.money import ZERO, money_string, plain
from billing.usage.charge_days import ChargeDay, charge_days

type Data = dict[str, Any]

PAGE: Final = 50
MAX_PAGE: Final = 200


def invoice_by_number(number: str, account: Account | None = None) -> Invoice | None:
    """The document with this number, of any account in scope or of `account` alone."""
    rows = Invoice.objects.select_related("account").filter(number=number)
    return (rows if account is None else rows.filter(account=account)).first()


def last_invoice(account: Account) -> Invoice | None:
    """The newest document of the account."""
    return Invoice.objects.filter(account=account).select_related("account").first()


def invoices_page(
    account: Account, after: Invoice | None = None, limit: int = PAGE
) -> tuple[list[Invoice], Invoice | None]:
    """Documents of the account, newest first, after the one given; and the one to go on after, if there are more."""
    limit = min(max(limit, 1), MAX_PAGE)
    rows = Invoice.objects.filter(account=account).select_related("account").order_by("-issued_at", "-pk")
    if after is not None:
        rows = rows.filter(Q(issued_at__lt=after.issued_at) | Q(issued_at=after.issued_at, pk__lt=after.pk))
    found = list(rows[: limit + 1])
    return found[:limit], found[limit - 1] if len(found) > limit else None


def open_amount(invoice: Invoice) -> Decimal:
    """What is still to be paid; nothing on a credit note."""
    return standing(invoice).open


def status(invoice: Invoice) -> Status:
    """As the contract's section 8 names it."""
    return standing(invoice).status


def invoice_data(invoice: Invoice, rows: Sequence[InvoiceLine] | None = None) -> Data:
    """The document as the contract's section 8 shows it; `kind` says whether it is a credit note. `rows` are its lines
    in order, if they are read already.
    """
    lines = [line_data(line, invoice.currency) for line in (invoice.lines.all() if rows is None else rows)]
    return {**invoice_head(invoice), "lines": lines}


def invoice_head(invoice: Invoice, *, just_issued: bool = False) -> Data:
    """The document without its lines, which may be thousands; `just_issued`: nothing was paid or credited since."""
    currency = invoice.currency
    amounts = ("subtotal", "tax_total", "total", "credits_applied", "amount_due")
    money = {name: money_string(getattr(invoice, name), currency) for name in amounts}
    taxes = [
        {name: tax[name] for name in ("code", "name", "category", "rate", "taxable", "amount")}
        for tax in invoice.snapshot["taxes"]
    ]
    return {
        "number": invoice.number,
        "kind": invoice.kind,
        "status": (standing_at_issue(invoice) if just_issued else standing(invoice)).status,
        "account": invoice.snapshot["buyer"]["code"],
        "currency": currency,
        "issued_at": utc(invoice.issued_at),
        "due_at": utc(invoice.due_at),
        "period": {"start": utc(invoice.period_start), "end": utc(invoice.period_end)},
        "subtotal": money["subtotal"],
        "discounts": [
            {"coupon": each["coupon"], "amount": each["amount"]} for each in invoice.snapshot["discounts"]
        ],
        "taxes": taxes,
        "tax_total": money["tax_total"],
        "total": money["total"],
        "credits_applied": money["credits_applied"],
        "amount_due": money["amount_due"],
        "credits": credits_data(invoice.snapshot),
    }


def credits_data(snapshot: Mapping[str, Any]) -> Data | None:
    """Of a credit note by hand: the invoice that it takes back, and why."""
    credits = snapshot.get("credits")
    return credits and {name: credits[name] for name in ("number", "reason")}


def line_data(line: InvoiceLine, currency: str) -> Data:
    """A stored line in the words of a drafted one (`billing.pricing.lines.Line.as_data`)."""
    return {
        "id": str(line.pk),
        "kind": line.kind,
        "charge": line.charge or None,
        "meter": line.meter or None,
        "description": line.description,
        "period": {"start": utc(line.start), "end": utc(line.end)},
        "quantity": plain(line.quantity or ZERO),
        "unit": line.unit,
        "amount": money_string(line.amount, currency),
        "exact_amount": plain(line.exact_amount),
        "tiers": line.tiers,
        **({"before": before} if (before := before_of(line.detail)) else {}),
    }


def before_of(detail: Mapping[str, Any]) -> dict[str, str]:
    """Where a usage line goes on from after a change of plan (`billing.pricing.lines.Before`); empty for others."""
    names = ("quantity", "amount", "exact_amount")
    return {name: detail[f"before_{name}"] for name in names if f"before_{name}" in detail}


def charge_of_line(line: InvoiceLine) -> Charge | None:
    """The charge that priced a usage line, by the terms of its plan version; None for other lines."""
    if line.version is None or not line.charge:
        return None
    return next((charge for charge in plan_terms(line.version).charges if charge.code == line.charge), None)


def line_days(line: InvoiceLine) -> list[ChargeDay]:
    """The local days of a usage line, from what is stored now: late usage is among it. [] for other lines.

    Days sum to the line's exact amount, late usage apart: a day's cost is by how much the period's price rose on it.
    """
    charge, period = charge_of_line(line), line.period
    if charge is None or period is None or line.kind != "usage":
        return []
    return charge_days(period, charge, line.start, line.end)
