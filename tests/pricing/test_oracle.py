"""The independent checkers agree on 10,000 random plans and usages, with up to five plan versions each, and on 10,000
random invoices with coupons, taxes and credits.

All of them are tried in every run: `uv run pytest tests/pricing/test_oracle.py`.
"""

import random
from decimal import Decimal
from fractions import Fraction

import pytest

from billing.pricing.charges import MODELS, Usage
from billing.pricing.discounts import Coupon
from billing.pricing.money import exact, minor_units
from billing.pricing.rate import Span, rate
from billing.pricing.taxes import Tax
from billing.pricing.totals import TaxedLine, totals
from tests.pricing import oracle, oracle_totals, samples

BATCHES, PER_BATCH = 20, 500
BOUNDS = ["0.01", "1", "2.5", "5", "10", "99.999", "250", "1000"]


def decimal(rng, places=None, highest=1000):
    """A non-negative decimal string; sometimes of 26 and 12 digits, sometimes the smallest there is."""
    if places is None and rng.random() < 0.04:
        return rng.choice([f"{rng.randrange(10**26)}.{rng.randrange(10**12):012d}", "0.000000000001"])
    places = rng.choice([0, 0, 1, 2, 5, 12]) if places is None else places
    return str(Decimal(rng.randrange(highest * 10**places)).scaleb(-places))


def tiers(rng, key):
    bounds = sorted({Decimal(rng.choice(BOUNDS)) for _ in range(4)})
    bounds = bounds[: rng.randrange(len(bounds) + 1)]
    places = 3 if key == "rate" else None
    rows = [{"up_to": bound, key: decimal(rng, places, highest=20)} for bound in [*map(str, bounds), None]]
    for row in rows:
        if rng.random() < 0.5:
            row["flat_price"] = decimal(rng, highest=50)
    return rows


def bounded(rng, charge, lowest, highest, scale):
    """Gives the charge neither, one or both of two keys, in order."""
    values = sorted([decimal(rng, 2, scale), decimal(rng, 3, scale)], key=Decimal)
    for key, value in ((lowest, values[0]), (highest, values[1])):
        if rng.random() < 0.3:
            charge[key] = value


def random_charge(rng, code, model=None):
    model = model or rng.choice(MODELS)
    charge = {"code": code, "meter": "m", "model": model, "where": {"kind": [code]}}
    if model == "per_unit":
        charge["unit_price"] = decimal(rng)
    elif model == "package":
        charge |= {"package_size": rng.choice(["0.3", "1", "7", "10", "1000"]), "package_price": decimal(rng)}
    elif model == "percentage":
        charge["rate"] = rng.choice(["0", "1.3", "2.99", "100", "0.000000000001"])
        for key, value in (
            ("fixed_fee", "0.25"),
            ("included_amount", "30"),
            ("included_events", rng.randrange(4)),
        ):
            if rng.random() < 0.4:
                charge[key] = value
        bounded(rng, charge, "minimum_per_event", "maximum_per_event", 5)
    else:
        key = "rate" if model == "graduated_percentage" else "unit_price"
        charge["tiers"] = tiers(rng, key)
    if rng.random() < 0.3:
        charge["included"] = decimal(rng, highest=30)
    bounded(rng, charge, "minimum_amount", "maximum_amount", 200)
    return charge


def random_events(rng, start):
    """`start` and some events more, at times as large as a tier; now and then a refund."""
    more = [
        Decimal(rng.choice(BOUNDS) if rng.random() < 0.2 else decimal(rng, highest=40))
        for _ in range(rng.randrange(4))
    ]
    return (*start, *(amount.copy_negate() if rng.random() < 0.1 else amount for amount in more))


def exact_sum(amounts):
    with exact():
        return sum(amounts, Decimal(0))


def random_spans(rng):
    """Spans for `rate` and the same for the checker: one to five plan versions that follow each other, some equal."""
    meters = {"m": samples.meter(dimensions=("kind",))}
    currency, codes = rng.choice(["EUR", "JPY", "KWD"]), ["a", "b", "c"][: rng.randrange(1, 4)]
    amounts = dict.fromkeys(codes, ())
    ours, theirs = [], []
    count, charges = rng.choice([1, 1, 2, 3, 5]), []
    for number in range(count):
        data = {"code": f"p{number}", "currency": currency, "interval": "month"}
        if not charges or rng.random() < 0.5:
            charges = [random_charge(rng, code) for code in codes]
        data["charges"] = charges
        before, amounts = amounts, {code: random_events(rng, amounts[code]) for code in codes}
        share = Fraction(1, count) if rng.random() < 0.8 else Fraction(rng.randrange(0, 29), 28)
        usages = [
            {code: Usage(exact_sum(values), values) for code, values in side.items()}
            for side in (before, amounts)
        ]
        plan = samples.plan_from_data(data, meters, version=number + 1)
        ours.append(Span(plan, samples.START, samples.END, *usages, share))
        sides = [
            {
                code: (sum(map(Fraction, values), Fraction(0)), tuple(map(Fraction, values)))
                for code, values in side.items()
            }
            for side in (before, amounts)
        ]
        theirs.append((data, *sides, share))
    return ours, theirs, minor_units(currency)


@pytest.mark.parametrize("batch", range(BATCHES))
def test_rate_agrees_with_the_independent_checker(batch):
    rng = random.Random(f"plainbill {batch}")
    for _ in range(PER_BATCH):
        ours, theirs, digits = random_spans(rng)
        found = [(line.kind, line.charge, line.amount, line.exact_amount) for line in rate(ours)]
        expected = oracle.lines(theirs, digits)
        assert [row[:3] for row in found] == [row[:3] for row in expected], theirs
        for row, want in zip(found, expected, strict=True):
            if row[0] == "usage":
                assert row[3] == want[3], theirs


def random_invoice(rng):
    """Lines (amount in minor units, rate, covered), coupons and credit; credit notes too."""
    rates = ["0", "2.1", "5.5", "20", "8.875", "0.5"][: rng.randrange(1, 7)]
    lines = [
        (rng.choice([0, 1, 2, 5, rng.randrange(10**6), rng.randrange(10**20)]), rng.choice(rates), True)
        for _ in range(rng.randrange(7))
    ]
    lines += [(rng.randrange(-3000, 9000), rng.choice(rates), False) for _ in range(rng.choice([0, 0, 1, 3]))]
    rng.shuffle(lines)
    coupons = [
        ("percent", decimal(rng, 3, 100))
        if rng.random() < 0.5
        else ("amount", decimal(rng, 2, rng.choice([1, 50, 10**5])))
        for _ in range(rng.randrange(4))
    ]
    return lines, coupons, rng.choice([0, 1, rng.randrange(10**6)])


@pytest.mark.parametrize("batch", range(BATCHES))
def test_totals_agree_with_the_independent_checker(batch):
    rng = random.Random(f"plainbill totals {batch}")
    for _ in range(PER_BATCH):
        currency = rng.choice(["EUR", "JPY", "KWD"])
        lines, coupons, credit = random_invoice(rng)
        digits = minor_units(currency)
        found = totals(
            [
                TaxedLine(
                    Decimal(n).scaleb(-digits), Tax(rate, rate, Decimal(rate), "S"), 1 if covered else None
                )
                for n, rate, covered in lines
            ],
            [Coupon(f"C{n}", **{kind: Decimal(value)}) for n, (kind, value) in enumerate(coupons)],
            Decimal(credit).scaleb(-digits),
            currency,
        )
        unit = Fraction(1, 10**digits)
        expected = oracle_totals.foot(
            [(n * unit, Fraction(rate), covered) for n, rate, covered in lines],
            [(kind, Fraction(value)) for kind, value in coupons],
            credit * unit,
            digits,
        )
        assert {
            "subtotal": found.subtotal,
            "discounts": [discount.amount for discount in found.discounts],
            "taxes": [(tax.rate, tax.taxable, tax.amount) for tax in found.taxes],
            "total": found.total,
            "credits": found.credits_applied,
            "due": found.amount_due,
        } == expected, (lines, coupons, credit)
