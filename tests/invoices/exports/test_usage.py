"""Usage is read in parts: the buckets of the parts are those of the whole, also where clocks and days are odd."""

import csv
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.invoices.exports.usage import Asked, spans, usage_csv
from billing.plans.actions import load_catalog
from billing.plans.models import Meter
from billing.usage.queries import bucket_starts
from tests.invoices import world
from tests.invoices.world import utc

ODD = {
    "Pacific/Apia": utc(2011, 12, 28, 3),  # 30 December was left out
    "America/Santiago": utc(2026, 9, 4, 22),  # a midnight that is not
    "Australia/Lord_Howe": utc(2026, 4, 3, 7),  # half an hour twice
    "Asia/Kathmandu": utc(2026, 1, 30, 1),
    "Europe/Paris": utc(2026, 10, 23, 9),
}


@pytest.mark.parametrize("granularity", ["hour", "day", "month"])
@pytest.mark.parametrize("zone", ODD)
@given(minutes=st.integers(1, 60 * 24 * 40), offset=st.integers(0, 59))
def test_buckets_of_the_parts_are_those_of_the_whole(
    zone: str, granularity: str, minutes: int, offset: int
) -> None:
    start = ODD[zone] + timedelta(minutes=offset)
    end = start + timedelta(minutes=minutes)
    parts = list(spans(zone, start, end, granularity))
    assert (parts[0][0], parts[-1][1]) == (start, end)
    assert all(one[1] == other[0] for one, other in pairwise(parts))
    found = [at for part in parts for at in bucket_starts(zone, *part, granularity)]
    assert found == list(bucket_starts(zone, start, end, granularity))


def test_a_dimension_that_is_named_as_a_column_is_told_apart(db: None) -> None:
    load_catalog(
        {"catalog": 1, "meters": [world.meter("tokens", "Tokens", "Jetons", dimensions=["unit", "model"])]}
    )
    account = world.customer()
    meters = list(Meter.objects.all())
    asked = Asked(account, meters, utc(2026, 1, 1), utc(2026, 1, 2), "day", ["unit", "model"])
    asked.check()
    [head] = csv.reader([next(usage_csv(asked)).decode()])
    assert head[5:] == ["local_start", "dimension.unit", "model", "quantity", "events"]


def test_none_is_one_bucket() -> None:
    start, end = utc(2026, 1, 1), datetime(2026, 6, 1, tzinfo=utc(2026, 1, 1).tzinfo)
    assert list(spans("UTC", start, end, "none")) == [(start, end)]
