"""Random coupons over several invoices of the same periods: what they give never leaves its bounds."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from billing.pricing.discounts import Coupon, CouponUse
from billing.pricing.money import ZERO, quantum
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


def real_documents(
    rows: Sequence[Sequence[tuple[int, Tax, int | None, bool]]], unit: Decimal
) -> tuple[list[list[TaxedLine]], Mapping[int | None, Decimal]]:
    """Documents of these lines that take back no more than was billed for a period before, and what is billed in all.

    What changes a base price takes back no more than earlier documents charged and other changes added.
    """
    documents, billed = [], defaultdict[int | None, Decimal](Decimal)
    for document in rows:
        kept, charged = [], defaultdict(Decimal, billed)
        for units, tax, period, change in document:
            amount = max(units * unit, -billed[period], -charged[period] if change else -billed[period])
            billed[period] += amount
            charged[period] += amount if change else ZERO
            kept.append(TaxedLine(amount, tax, period, change))
        documents.append(kept)
    return documents, billed


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
    """A percentage is rounded once on each document, so over all of them it may be off by a unit for each."""
    unit = quantum(currency)
    documents, billed = real_documents(rows, unit)
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
    given_in = defaultdict[tuple[int, object], Decimal](Decimal)
    for foot in feet:
        for place, one in enumerate(foot.coupons):
            for use in one.uses:
                given_in[place, use.period] += use.discount
    for (place, period), given_by_it in given_in.items():
        coupon = coupons[place]
        assert coupon.periods is None or period in coupon.periods
        assert given_by_it >= 0
        if coupon.amount is not None:
            assert given_by_it <= coupon.amount.quantize(unit, "ROUND_HALF_UP")
    for period in PERIODS:
        of_all = sum(amount for (_, own), amount in given_in.items() if own == period)
        roundings = sum(one.percent is not None for one in coupons) * len(documents)
        assert of_all <= billed[period] + roundings * unit
