"""A proof's JSON to `Proof`: the document as the API shows it, the plan versions' terms, and the rules' facts."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final, NamedTuple

from billing.pricing.currencies import is_currency
from billing.pricing.discounts import Coupon, CouponUse
from billing.pricing.money import exact
from billing.pricing.taxes import Tax
from billing.proof.facts import (
    NO_VERSION,
    Days,
    Document,
    LineFacts,
    PeriodFacts,
    Proof,
    TaxFacts,
    Version,
)
from billing.proof.periods import Terms, days_from, period_from, terms_from, version_from
from billing.proof.reading import Fields, NotAProof

FORMAT: Final = "plainbill-proof/1"
RULES: Final = "plainbill-pricing/1"
ROUNDING: Final = "half-up"
KINDS: Final = ("base", "usage", "minimum", "proration", "late_usage", "adjustment", "limit_waiver")
USED: Final = ("usage", "minimum", "limit_waiver")
"""Kinds of lines that a period's usage decides; `late_usage` corrects one of them and says which in its detail."""

type Data = Mapping[str, Any]


class Said(NamedTuple):
    """What the rules say of a line."""

    period: str | None
    version: Version
    corrects: str | None
    change: bool
    days: Days | None
    tax: Tax
    found: Tax
    asked: str | None


@exact()
def read_proof(invoice: object, terms: object, rules: object) -> Proof:
    """The proof that three parts describe. Raises `NotAProof`, also where they do not fit together."""
    facts = Fields(rules, "rules.json")
    facts.one_of("format", FORMAT)
    facts.one_of("rules", RULES)
    facts.one_of("rounding", ROUNDING)
    plans = terms_from(Fields(terms, "terms.json"))
    document = _document(Fields(invoice, "invoice.json"), list(facts.children("lines")), plans)
    periods = {each.key: each for each in (period_from(one, plans) for one in facts.children("periods"))}
    _joined(document, periods, facts)
    return Proof(
        document=document,
        priced_at=facts.instant("priced_at"),
        closes=facts.text_or_none("closes"),
        periods=periods,
        earlier=tuple(_earlier(facts, plans)),
        coupons=tuple(_coupon(one) for one in facts.children("coupons")),
        base_prices={version: plan.base_price for version, (plan, _) in plans.items()},
        minimum_spends={version: plan.minimum_spend for version, (plan, _) in plans.items()},
        shares=facts.has("shares") and facts.boolean("shares"),
    )


def _document(fields: Fields, said: list[Fields], plans: Terms) -> Document:
    currency, credit_note = fields.text("currency"), fields.one_of("kind", "invoice", "credit_note")
    if not is_currency(currency):
        fields.fault("currency", "a currency of ISO 4217")
    sign, lines = -1 if credit_note == "credit_note" else 1, list(fields.children("lines"))
    if [one.text("id") for one in lines] != [one.text("id") for one in said]:
        raise NotAProof("rules.json.lines: these are not the lines of invoice.json.")
    return Document(
        number=fields.text("number"),
        credit_note=sign < 0,
        currency=currency,
        lines=tuple(
            _line(one, _said(facts, plans), place, sign)
            for place, (one, facts) in enumerate(zip(lines, said, strict=True), 1)
        ),
        discounts={one.text("coupon"): sign * one.decimal("amount") for one in fields.children("discounts")},
        taxes=tuple(
            TaxFacts(
                one.text("category"),
                one.decimal("rate"),
                sign * one.decimal("taxable"),
                sign * one.decimal("amount"),
            )
            for one in fields.children("taxes")
        ),
        subtotal=sign * fields.decimal("subtotal"),
        tax_total=sign * fields.decimal("tax_total"),
        total=sign * fields.decimal("total"),
        credits_applied=fields.decimal("credits_applied"),
        amount_due=fields.decimal("amount_due"),
    )


def _said(fields: Fields, plans: Terms) -> Said:
    tax = _tax(fields.child("tax"))
    days = fields.child_or_none("days")
    version = version_from(fields, plans) if fields.has("version") else NO_VERSION
    return Said(
        period=fields.text_or_none("period"),
        version=version,
        corrects=fields.text_or_none("corrects"),
        change=fields.boolean("change"),
        days=days_from(days, plans) if days else None,
        tax=tax,
        found=replace(tax, category=fields.text("category_found")),
        asked=fields.text_or_none("tax_asked"),
    )


def _line(fields: Fields, said: Said, place: int, sign: int) -> LineFacts:
    kind = fields.one_of("kind", *KINDS)
    if kind in ("base", "proration") and said.days is None:
        fields.fault("days", "what a line at a base price is for")
    return LineFacts(
        place=place,
        kind=kind,
        corrects=said.corrects or kind,
        charge=fields.text_or_none("charge"),
        meter=fields.text_or_none("meter"),
        period=said.period,
        version=said.version,
        start=fields.child("period").instant("start"),
        amount=sign * fields.decimal("amount"),
        exact_amount=sign * fields.decimal("exact_amount"),
        quantity=sign * fields.decimal("quantity"),
        tax=said.tax,
        found=said.found,
        asked=said.asked,
        change=said.change,
        days=said.days,
        sign=sign,
        shown=fields.value,
    )


def _earlier(fields: Fields, plans: Terms) -> Iterator[LineFacts]:
    """Lines of earlier documents for the usage of the periods, as the API shows them, each with its facts."""
    for document in fields.children("earlier"):
        sign = -1 if document.one_of("kind", "invoice", "credit_note") == "credit_note" else 1
        for place, line in enumerate(document.children("lines"), 1):
            yield _line(line.child("line"), _said(line.child("facts"), plans), place, sign)


def _tax(fields: Fields) -> Tax:
    return Tax(fields.text("code"), fields.text("name"), fields.decimal("rate"), fields.text("category"))


def _coupon(fields: Fields) -> Coupon:
    percent, amount = fields.decimal_or_none("percent"), fields.decimal_or_none("amount")
    if (percent is None) == (amount is None) or not 0 <= (percent or 0) <= 100 or (amount or Decimal(0)) < 0:
        fields.fault("percent", "either a percentage or an amount")
    return Coupon(
        fields.text("code"),
        percent,
        amount,
        frozenset(fields.texts("periods")),
        tuple(
            CouponUse(one.text("period"), one.decimal("billed"), one.decimal("discount"))
            for one in fields.children("used")
        ),
    )


def _joined(document: Document, periods: Mapping[str, PeriodFacts], fields: Fields) -> None:
    """Every period that is spoken of is there, none continues itself, and all are in one currency.

    Usage lines are of the period that the document closes, late usage is of earlier ones.
    """
    closes = fields.text_or_none("closes")
    named = [closes] if closes else []
    for line in document.lines:
        late = line.kind == "late_usage"
        if late or line.kind in USED:
            named.append(line.period or "")
            if late == (line.period == closes):
                raise NotAProof(f"rules.json.lines: line {line.place} is of a period that it cannot be of.")
    named += [period.continues for period in periods.values() if period.continues]
    for key in named:
        if key not in periods:
            raise NotAProof(f"rules.json.periods: {key[:100] or 'that of a usage line'} is missing.")
    for period in periods.values():
        if period.continues and periods[period.continues].start >= period.start:
            raise NotAProof(f"rules.json.periods: {period.key[:100]} continues no earlier one.")
        if any(each.plan.currency != document.currency for each in period.stretches):
            raise NotAProof(f"terms.json: a plan is not in {document.currency}.")
