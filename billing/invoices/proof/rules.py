"""What a document's lines follow from besides events: `terms.json` and `rules.json` of its proof (docs/proof.md)."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from billing.invoices.drafts.coupons import coupons_of, taxed
from billing.invoices.drafts.late import invoiced_lines
from billing.invoices.drafts.plan import base_changes
from billing.invoices.drafts.taken_back import tax_found, tax_of_row
from billing.invoices.evidence import was_replaced
from billing.invoices.models import Invoice, InvoiceLine
from billing.invoices.queries import line_data
from billing.limits.queries import continued, versions_in
from billing.plans.models import Period, PlanVersion
from billing.plans.queries import key_of, redemptions_of, span_days, spans_in
from billing.plans.queries.coupons import PeriodKey
from billing.pricing.dates import utc
from billing.pricing.money import plain
from billing.proof.documents import FORMAT, ROUNDING, RULES, USED
from billing.proof.facts import Kept
from billing.usage.retention import is_purged

type Data = dict[str, Any]


class Rules:
    """The facts behind a document. Read it inside the account's scope."""

    def __init__(self, invoice: Invoice) -> None:
        self.invoice = invoice
        rows = invoice.lines.select_related("invoice", "version__plan", "period__account").order_by(
            "position"
        )
        self.rows = list(rows)
        self.periods = _priced(invoice, self.rows)
        self._versions: dict[str, PlanVersion] = {}

    def rules(self) -> Data:
        """`rules.json`. Afterwards `terms` has what it names."""
        invoice = self.invoice
        return {
            "format": FORMAT,
            "rules": RULES,
            "rounding": ROUNDING,
            "priced_at": utc(invoice.priced_at),
            "closes": _key(invoice.closes) if invoice.closes else None,
            "periods": [self._period(period) for period in self.periods],
            "lines": [{"id": str(row.pk), **self._line(row)} for row in self.rows],
            "earlier": list(self._earlier()),
            "coupons": self._coupons(),
            **({"shares": True} if invoice.credited_id or "prepayment" in invoice.snapshot else {}),
        }

    def terms(self) -> Data:
        """`terms.json`: each plan version as it was published."""
        return {name: version.terms for name, version in sorted(self._versions.items())}

    def _period(self, period: Period) -> Data:
        limits = versions_in(period)
        before = continued(period) if limits else None
        return {
            "key": _key(period),
            **{name: utc(getattr(period, name)) for name in ("start", "end", "full_start", "full_end")},
            "timezone": period.timezone,
            "full_days": period.full_days,
            "spans": [self._span(period, *each) for each in spans_in(period)],
            "base": self._base(period),
            "changes": [self._change(each) for each in base_changes(period).order_by("created_at", "pk")],
            "limits": [
                {"meter": meter.code if meter else None, "versions": [_limit(each) for each in versions]}
                for meter, versions in sorted(
                    limits.items(), key=lambda each: each[0].code if each[0] else ""
                )
            ],
            "continues": _key(before) if before else None,
            "events": _kept(period, self.invoice.priced_at),
        }

    def _span(self, period: Period, version: PlanVersion, start: datetime, end: datetime) -> Data:
        first, last = span_days(period, start, end)
        return {
            "version": self._name(version),
            "start": utc(start),
            "end": utc(end),
            "first_day": first.isoformat(),
            "end_day": last.isoformat(),
        }

    def _base(self, period: Period) -> Data | None:
        version = period.base_version
        if version is None:
            return None
        return self._days(version, period.first_day, period.base_end_day, period.full_days, back=False)

    def _change(self, row: Any) -> Data:
        """Days of a line that waited, or of one that was issued: both keep them in their detail."""
        return self._days(
            row.version,
            date.fromisoformat(row.detail["first_day"]),
            date.fromisoformat(row.detail["end_day"]),
            row.detail["full_days"],
            back=Decimal(row.detail["price"]) < 0,
        )

    def _days(self, version: PlanVersion, first: date, end: date, full_days: int, *, back: bool) -> Data:
        return {
            "version": self._name(version),
            "first_day": first.isoformat(),
            "end_day": end.isoformat(),
            "full_days": full_days,
            "back": back,
        }

    def _line(self, row: InvoiceLine) -> Data:
        tax, found = tax_of_row(row), tax_found(row)
        as_coupons_see_it = taxed(row.kind, row.amount, tax, row.period, row.invoice.priced_at)
        return {
            "period": _key(row.period) if row.period else None,
            "version": self._name(row.version) if row.version else None,
            "corrects": row.detail.get("corrects"),
            "change": as_coupons_see_it.change,
            "days": self._change(row) if row.kind in ("base", "proration") else None,
            "tax": {"code": tax.code, "name": tax.name, "rate": plain(tax.rate), "category": tax.category},
            "category_found": found.category,
            "tax_asked": row.detail.get("tax_asked"),
        }

    def _earlier(self) -> Iterator[Data]:
        """What was invoiced before for the usage of the periods, document by document."""
        by_document: dict[str, list[InvoiceLine]] = {}
        documents: dict[str, Invoice] = {}
        for period in self.periods:
            for row in invoiced_lines(period):
                if row.invoice.priced_at < self.invoice.priced_at:
                    documents[row.invoice.number] = row.invoice
                    by_document.setdefault(row.invoice.number, []).append(row)
        for number, document in sorted(documents.items(), key=lambda each: each[1].priced_at):
            yield {
                "number": number,
                "kind": document.kind,
                "issued_at": utc(document.issued_at),
                "lines": [
                    {"line": line_data(row, document.currency), "facts": self._line(row)}
                    for row in sorted(by_document[number], key=lambda row: row.position)
                ],
            }

    def _coupons(self) -> list[Data]:
        """Terms as redeemed, the periods of this document that each covers, and what it gave in them before."""
        invoice = self.invoice
        if not redemptions_of(invoice.account_id):
            return []
        before = Invoice.objects.filter(account=invoice.account, priced_at__lt=invoice.priced_at)
        kept = before.filter(snapshot__has_key="coupons").order_by("priced_at", "series", "sequence")
        uses = [use for found in kept.values_list("snapshot__coupons", flat=True) for use in found]
        coupons = coupons_of(invoice.account, redeemed_by=invoice.priced_at, earlier=uses)
        own = {key_of(row.period) for row in self.rows if row.period}
        return [
            {
                "code": each.code,
                "percent": None if each.percent is None else plain(each.percent),
                "amount": None if each.amount is None else plain(each.amount),
                "periods": sorted(map(_written, own & (each.periods or own))),
                "used": [
                    {
                        "period": _written((use["subscription"], use["period"])),
                        "billed": use["billed"],
                        "discount": use["discount"],
                    }
                    for use in uses
                    if use["coupon"] == each.code and (use["subscription"], use["period"]) in own
                ],
            }
            for each in coupons
        ]

    def _name(self, version: PlanVersion) -> str:
        name = f"{version.plan.code}@{version.number}"
        self._versions[name] = version
        return name


def _priced(invoice: Invoice, rows: Sequence[InvoiceLine]) -> list[Period]:
    """The periods whose usage the document prices, and those whose limits run on in them, in order of time."""
    found = {row.period_id: row.period for row in rows if row.kind in (*USED, "late_usage") and row.period}
    found |= {invoice.closes_id: invoice.closes} if invoice.closes else {}
    waiting = [period for period in found.values() if period]
    while waiting:
        period = waiting.pop()
        before = continued(period) if versions_in(period) else None
        if before is not None and before.pk not in found:
            found[before.pk] = before
            waiting.append(before)
    return sorted((period for period in found.values() if period), key=lambda each: (each.start, each.pk))


def _kept(period: Period, priced_at: datetime) -> Kept:
    if is_purged(period.account_id, period.start, period.end):
        return "purged"
    return "corrected" if was_replaced(period, priced_at) else "all"


def _limit(version: Any) -> Data:
    return {
        "since": utc(version.since),
        "amount": None if version.amount is None else plain(version.amount),
        "action": version.action,
        "usage_at_start": plain(version.usage_at_start),
        "payable_at_start": plain(version.payable_at_start),
    }


def _key(period: Period) -> str:
    return _written(key_of(period))


def _written(key: PeriodKey) -> str:
    return f"{key[0]}/{key[1]}"
