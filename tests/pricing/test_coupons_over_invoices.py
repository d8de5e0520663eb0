"""Random coupons over several invoices of the same periods: what they give never leaves its bounds."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from billing.pricing.discounts import Coupon, CouponUse
from billing.pricing.money import quantum
from billing.pricing.taxes import REVERSE_CHARGE, Tax
from billing.pricing.totals import TaxedLine, Totals, totals

D = Decimal
TAXES = [Tax("fr-20", "20", D(20), "S"), Tax("fr-5.5", "5.5", D("5.5"), "S"), REVERSE_CHARGE]
PERIODS = [0, 1, 2]

terms = st.one_of(
    st.tuples(st.just("percent"), st.decimals(0, 100, places=2)),
    st.tuples(st.just("amount"), st.decimals(0, 300, places=2)),
)
covered = st.none() | st.frozensets(st.sampled_from(PERIODS))
lines = st.tuples(
    st.integers(-30_000, 60_000), st.sampled_from(TAXES), st.sampled_from([*PERIODS, None]), st.booleans()
)


def issue(documents: Sequence[Sequence[TaxedLine]], coupons: Sequence[Coupon], currency: str) -> list[Totals]:
    """The feet of documents that follow each other: each coupon knows what it found and gave on those before."""
    used: list[tuple[CouponUse, ...]] = [()] * len(coupons)
    feet = []
    for document in documents:
        known = [replace(coupon, used=uses) for coupon, uses in zip(coupons, used, strict=True)]
        foot = totals(document, known, D(0), currency)
        used = [uses + given.uses for uses, given in zip(used, foot.coupons, strict=True)]
        feet.append(foot)
    return feet


@given(
    st.lists(st.lists(lines, max_size=8), min_size=1, max_size=5),
    st.lists(st.tuples(terms, covered), max_size=3),
    st.sampled_from(["EUR", "JPY", "KWD"]),
)
def test_what_coupons_give_over_all_documents_of_a_period_stays_in_its_bounds(
    rows: list[list[tuple[int, Tax, int | None, bool]]],
    redeemed: list[tuple[tuple[str, Decimal], frozenset[int] | None]],
    currency: str,
) -> None:
    """Takes back at most what was billed for a period before, as real documents do.

    A percentage is rounded once on each document, so over all of them it may be off by a cent for each.
    """
    unit, billed = quantum(currency), defaultdict[int | None, Decimal](Decimal)
    documents = []
    for document in rows:
        kept = []
        for units, tax, period, change in document:
            amount = max(units * unit, -billed[period])
            billed[period] += amount
            kept.append(TaxedLine(amount, tax, period, change))
        documents.append(kept)
    coupons = [
        Coupon(f"C{n}", value if kind == "percent" else None, value if kind == "amount" else None, periods)
        for n, ((kind, value), periods) in enumerate(redeemed)
    ]
    feet = issue(documents, coupons, currency)
    for lines_of, foot in zip(documents, feet, strict=True):
        assert foot.subtotal == sum(line.amount for line in lines_of)
        assert foot.discount_total == sum(tax.discount for tax in foot.taxes)
        assert foot.subtotal - foot.discount_total == sum(tax.taxable for tax in foot.taxes)
        assert foot.tax_total == sum(tax.amount for tax in foot.taxes)
        assert foot.total == foot.subtotal - foot.discount_total + foot.tax_total
        assert all(sum(part for _, part in one.by_rate) == one.amount for one in foot.coupons)
        assert all(sum(use.discount for use in one.uses) == one.amount for one in foot.coupons)
    rounded = len(documents) * unit
    for place, coupon in enumerate(coupons):
        uses = [use for foot in feet for use in foot.coupons[place].uses]
        assert coupon.periods is None or {use.period for use in uses} <= coupon.periods
        if coupon.amount is None:
            assert sum(use.discount for use in uses) >= -rounded
            continue
        for period in PERIODS:
            most = coupon.amount.quantize(unit, "ROUND_HALF_UP")
            assert 0 <= sum(use.discount for use in uses if use.period == period) <= most
