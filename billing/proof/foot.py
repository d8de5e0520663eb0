"""The foot of a document made again from its lines: coupons, taxes, totals, by `billing.pricing.totals`."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from billing.pricing.money import ZERO, quantum, round_money
from billing.pricing.totals import TaxedLine, Totals, totals
from billing.proof.facts import Document, Proof
from billing.proof.reading import NotAProof


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of the foot: `name` says which (`discount`, `taxable` and `tax` with the coupon or the tax's rate in
    `of`), `should` what it comes to by the lines, `stated` what the document says. As they are owed.
    """

    name: str
    of: str
    should: Decimal
    stated: Decimal

    @property
    def equal(self) -> bool:
        return self.should == self.stated


def foot_figures(proof: Proof) -> Iterator[Figure]:
    """In the document's order. Which coupons and periods there were, and the credit used, are taken as written.

    Read it inside `exact()`.
    """
    document = proof.document
    for line in document.lines:
        if line.amount != round_money(line.amount, document.currency):
            raise NotAProof(f"line {line.place}: its amount is not in whole units of {document.currency}.")
    if proof.shares:
        yield from _shared_figures(document)
        return
    taxed = [TaxedLine(one.amount, one.tax, one.period, one.change) for one in document.lines]
    foot = totals(taxed, proof.coupons, ZERO, document.currency)
    yield Figure("subtotal", "", foot.subtotal, document.subtotal)
    yield from _discounts(proof, foot)
    yield from _taxes(proof, foot)
    yield Figure("tax_total", "", foot.tax_total, document.tax_total)
    yield Figure("total", "", foot.total, document.total)
    total = document.sign * foot.total
    if document.credit_note:
        yield Figure("credits_applied", "", total, document.credits_applied)
    yield Figure("amount_due", "", total - document.credits_applied, document.amount_due)


def _shared_figures(document: Document) -> Iterator[Figure]:
    """Discounts are taken as written, and a tax where it is not more than one minor unit beside its percentage."""
    subtotal, taxes = sum((one.amount for one in document.lines), ZERO), ZERO
    off = sum(document.discounts.values(), ZERO)
    yield Figure("subtotal", "", subtotal, document.subtotal)
    for one in document.taxes:
        of, tax = (
            f"{one.category} {one.rate:f} %",
            round_money((one.taxable * one.rate).scaleb(-2), document.currency),
        )
        near = abs(one.amount - tax) <= quantum(document.currency)
        yield Figure("tax", of, one.amount if near else tax, one.amount)
        taxes += one.amount if near else tax
    yield Figure("taxable", "", subtotal - off, sum((one.taxable for one in document.taxes), ZERO))
    yield Figure("tax_total", "", taxes, document.tax_total)
    yield Figure("total", "", subtotal - off + taxes, document.total)
    total = document.sign * (subtotal - off + taxes)
    if document.credit_note:
        yield Figure("credits_applied", "", total, document.credits_applied)
    yield Figure("amount_due", "", total - document.credits_applied, document.amount_due)


def _discounts(proof: Proof, foot: Totals) -> Iterator[Figure]:
    should, stated = {one.code: one.amount for one in foot.discounts}, proof.document.discounts
    for code in dict.fromkeys([*should, *stated]):
        yield Figure("discount", code, should.get(code, ZERO), stated.get(code, ZERO))


def _taxes(proof: Proof, foot: Totals) -> Iterator[Figure]:
    should = {(one.category, one.rate): (one.taxable, one.amount) for one in foot.taxes}
    stated = {(one.category, one.rate): (one.taxable, one.amount) for one in proof.document.taxes}
    nothing = ZERO, ZERO
    for category, rate in dict.fromkeys([*should, *stated]):
        of = f"{category} {rate:f} %"
        ours, theirs = should.get((category, rate), nothing), stated.get((category, rate), nothing)
        yield Figure("taxable", of, ours[0], theirs[0])
        yield Figure("tax", of, ours[1], theirs[1])
