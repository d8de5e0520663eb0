"""The published pricing cases hold, through the price function and through a quote."""

from decimal import Decimal

import pytest

from billing.pricing.money import money_string, plain
from billing.pricing.parse import parse_catalog
from billing.pricing.quote import quote_line
from billing.pricing.rate import price
from tests.pricing.cases import published
from tests.pricing.samples import charge, events, used

CASES = [pytest.param(case, id=case["id"]) for case in published()] or [
    pytest.param(
        {}, marks=pytest.mark.skip(reason="the published cases are not beside the project"), id="absent"
    )
]


@pytest.mark.parametrize("case", CASES)
def test_price_is_the_published_one(case):
    usage = events(*case["events"]) if "events" in case else used(case["quantity"])
    priced = price(charge(case["charge"]), usage)
    assert plain(priced.exact) == case["exact_amount"]
    assert Decimal(money_string(priced.exact, "EUR")) == Decimal(case["amount"])


@pytest.mark.parametrize("case", CASES)
def test_quote_is_the_published_one(case):
    meters = [{"code": "m", "event_type": "transfer", "aggregation": "sum", "value": "size"}]
    plan = {
        "code": "p",
        "currency": "EUR",
        "interval": "month",
        "charges": [{"meter": "m", **case["charge"]}],
    }
    catalog, problems = parse_catalog({"catalog": 1, "meters": meters, "plans": [plan]})
    assert problems == []
    usage = {"events": {"m": case["events"]}} if "events" in case else {"quantities": {"m": case["quantity"]}}
    answer = quote_line(catalog, {"plan": "p", **usage})
    assert Decimal(answer["subtotal"]) == Decimal(case["amount"])
    assert len(answer["lines"]) == (case.get("quantity") != "0")
    assert [line["exact_amount"] for line in answer["lines"]] in ([], [case["exact_amount"]])
