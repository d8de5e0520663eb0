"""ESPI: the structure of the feed, units and rounding, days of 23 and 25 hours, and sums that are those of usage."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from accounts.models import Account
from billing.invoices.actions import bill_account
from billing.invoices.exports.espi import Span, greenbutton_xml, supplies
from billing.invoices.exports.espi.readings import LARGEST, Rounding
from billing.invoices.exports.espi.zones import local_time
from billing.plans.actions import load_catalog
from billing.plans.models import Meter
from billing.pricing.dates import local_midnight
from billing.usage.queries import usage_rows
from tests.invoices import world
from tests.invoices.world import utc

D = Decimal
ESPI: Final = "{http://naesb.org/espi}"
ATOM: Final = "{http://www.w3.org/2005/Atom}"
NAMES: Final = {"e": "http://naesb.org/espi", "a": "http://www.w3.org/2005/Atom"}
ORDER: Final = {
    "UsagePoint": "ServiceCategory",
    "LocalTimeParameters": "dstEndRule dstOffset dstStartRule tzOffset",
    "MeterReading": "",
    "ReadingType": "accumulationBehaviour commodity currency dataQualifier flowDirection intervalLength kind "
    "powerOfTenMultiplier timeAttribute uom",
    "IntervalBlock": "interval IntervalReading",
    "IntervalReading": "cost timePeriod value",
    "interval": "duration start",
    "timePeriod": "duration start",
}
"""Of the children, by the schema (espi.xsd 4.0)."""


def meter(code: str, unit_code: str, **fields: Any) -> dict[str, Any]:
    own = {"code": code, "name": {"en": f"{code} <b>", "fr": code}, "unit": "unit", "unit_code": unit_code}
    return {**own, "event_type": "read", "aggregation": "sum", "value": code, **fields}


@pytest.fixture
def home(db: None) -> Account:
    """0.20 a kilowatt-hour, on 100 free ones of a month, in Paris since January; water and tokens beside it."""
    energy = {
        "meter": "energy",
        "code": "energy",
        "model": "per_unit",
        "unit_price": "0.2",
        "included": "100",
    }
    plan = {"code": "home", "name": "Home", "currency": "EUR", "interval": "month", "base_price": "0"}
    meters = [
        meter("energy", "KWH"),
        meter("water", "MTQ"),
        meter("tokens", "C62"),
        meter("peak", "KWH", aggregation="max"),
    ]
    load_catalog({"catalog": 1, "meters": meters, "plans": [{**plan, "charges": [energy]}]})
    account = world.customer("home", timezone="Europe/Paris", name="Chez & moi")
    world.on_plan(account, "home", local_midnight(datetime(2026, 1, 1, tzinfo=UTC).date(), "Europe/Paris"))
    return account


def feed(account: Account, start: datetime, end: datetime, granularity: str = "hour") -> etree._Element:
    content = b"".join(greenbutton_xml(Span(account, start, end, granularity), supplies()))
    assert content.startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n<feed xmlns=')
    return etree.fromstring(content)


def readings(found: etree._Element, code: str) -> list[tuple[int, int, int, int | None]]:
    """(start, duration, value, cost) of a meter, in order."""
    path = f"a:entry[starts-with(a:link[@rel='self']/@href, 'UsagePoint/{code}/')]//e:IntervalReading"
    rows = found.xpath(path, namespaces=NAMES)
    return [(*(int(row.findtext(name)) for name in (START, DURATION, VALUE)), cost(row)) for row in rows]


START, DURATION = f"{ESPI}timePeriod/{ESPI}start", f"{ESPI}timePeriod/{ESPI}duration"
VALUE = f"{ESPI}value"


def cost(row: etree._Element) -> int | None:
    text = row.findtext(f"{ESPI}cost")
    return None if text is None else int(text)


def multiplier(found: etree._Element, code: str) -> int:
    path = f"a:entry[a:link[@rel='self']/@href='ReadingType/{code}']//e:powerOfTenMultiplier"
    return int(found.xpath(path, namespaces=NAMES)[0].text)


def hours(start: datetime, end: datetime) -> Iterator[datetime]:
    while start < end:
        yield start
        start += timedelta(hours=1)


def test_what_a_feed_is_made_of(home: Account) -> None:
    world.use(home, utc(2026, 2, 3, 5), type_="read", energy="1.5", water="0.25")
    found = feed(home, utc(2026, 2, 1), utc(2026, 2, 4))
    assert found.tag == f"{ATOM}feed"
    entries = found.findall(f"{ATOM}entry")
    kinds = [etree.QName(entry.find(f"{ATOM}content")[0]).localname for entry in entries]
    blocks = ["IntervalBlock"] * 4  # three days of UTC are parts of four in Paris
    assert kinds == ["LocalTimeParameters", *(["UsagePoint", "MeterReading", "ReadingType", *blocks] * 2)]
    ids = found.xpath("//a:id/text()", namespaces=NAMES)
    assert len(set(ids)) == len(entries) + 1
    assert all(each.startswith("urn:uuid:") for each in ids)
    own = set(found.xpath("a:entry/a:link[@rel='self']/@href", namespaces=NAMES))
    above = {each.rpartition("/")[0] for each in own}
    assert set(found.xpath("a:entry/a:link[@rel='related']/@href", namespaces=NAMES)) <= own | above
    for element in found.iter(f"{ESPI}*"):
        names = [etree.QName(child).localname for child in element]
        if names:
            expected = ORDER.get(etree.QName(element).localname, "kind").split()
            assert sorted(set(names), key=names.index) == [name for name in expected if name in names]
    assert {each.text for each in found.iter(f"{ESPI}currency")} == {"978"}
    assert [each.text for each in found.iter(f"{ESPI}uom")] == ["72", "42"]
    assert [each.text for each in found.iter(f"{ESPI}commodity")] == ["1"], "a volume may be gas or water"
    assert found.findtext(f"{ATOM}title") == "Chez & moi"
    assert "energy <b>" in found.xpath("a:entry/a:title/text()", namespaces=NAMES)


def test_intervals_follow_one_another_without_a_gap(home: Account) -> None:
    start, end = utc(2026, 2, 27, 22, 30), utc(2026, 3, 2, 9, 15)
    rows = readings(feed(home, start, end), "energy")
    assert rows[0][0] == start.timestamp()
    assert sum(rows[-1][:2]) == end.timestamp()
    assert all(first[0] + first[1] == second[0] for first, second in pairwise(rows))
    assert {row[1] for row in rows[1:-1]} == {3600}


@pytest.mark.parametrize(("day", "count"), [((3, 28), 24), ((3, 29), 23), ((10, 24), 24), ((10, 25), 25)])
def test_days_on_which_clocks_are_moved(home: Account, day: tuple[int, int], count: int) -> None:
    """A kilowatt-hour each hour: 23 and 25 of them."""
    first = datetime(2026, *day, tzinfo=UTC).date()
    start, end = (local_midnight(each, "Europe/Paris") for each in (first, first + timedelta(days=1)))
    world.send(world.event(home, at, type_="read", energy=1) for at in hours(start, end))
    found = feed(home, start, end)
    rows = readings(found, "energy")
    assert len(rows) == count
    assert {row[2] * D(10) ** multiplier(found, "energy") for row in rows} == {D(1000)}
    blocks = found.xpath("//e:IntervalBlock/e:interval/e:duration/text()", namespaces=NAMES)
    assert blocks == [str(count * 3600)] * 2
    [day_long] = readings(feed(home, start, end, "day"), "energy")
    assert day_long[1:3] == (count * 3600, count * 1000)


@pytest.mark.parametrize("granularity", ["hour", "day"])
def test_sums_are_those_of_the_usage_api(home: Account, granularity: str) -> None:
    amounts = ("0.123456789012", "7", "3.5", "0.000001", "12.25")
    start, end = utc(2026, 3, 20), utc(2026, 4, 12, 12)
    for place, at in enumerate(list(hours(start, end))[::7]):
        world.use(home, at, type_="read", energy=amounts[place % 5], water=amounts[-place % 5])
    found = feed(home, start, end, granularity)
    for code, unit in (("energy", D(1000)), ("water", D(1))):
        rows = usage_rows(home, Meter.objects.get(code=code), start, end, granularity)
        power = D(10) ** multiplier(found, code)
        told = {row[0]: row[2] * power / unit for row in readings(found, code) if row[2]}
        assert told == {int(row.start.timestamp()): row.quantity for row in rows}


def test_costs_are_what_the_hours_added_to_the_bill(home: Account) -> None:
    """The first 100 of a month are free; the 101st hour costs, and so on to the line's amount."""
    start = local_midnight(datetime(2026, 2, 1, tzinfo=UTC).date(), "Europe/Paris")
    world.send(
        world.event(home, at, type_="read", energy="0.7") for at in hours(start, start + timedelta(hours=200))
    )
    end = local_midnight(datetime(2026, 3, 1, tzinfo=UTC).date(), "Europe/Paris")
    costs = [row[3] for row in readings(feed(home, start, end), "energy")]
    assert None not in costs
    assert set(costs[:142]) == {0}, "99.4 are used"
    assert costs[142:145] == [2000, 14000, 14000], "0.1 of it is not free"
    line = bill_account(home, utc(2026, 3, 1))[-1].lines.get(charge="energy")
    assert D(sum(each or 0 for each in costs)).scaleb(-5) == line.exact_amount == D(8)
    assert {row[3] for row in readings(feed(home, start, end), "water")} == {0}, "nothing prices it"


def test_costs_are_left_out_where_there_is_no_service_period(home: Account) -> None:
    rows = readings(feed(home, utc(2025, 12, 30), utc(2026, 1, 2)), "energy")
    assert [row[3] for row in rows] == [None] * 47 + [0] * 25


def test_a_finer_quantity_than_fits_is_rounded_and_carried_on(home: Account) -> None:
    start = utc(2026, 2, 1)
    world.use(home, start, type_="read", energy="99999999.123456789")
    world.use(home, start + timedelta(hours=1), type_="read", energy="0.000000004")
    found = feed(home, start, start + timedelta(hours=3))
    values = [row[2] for row in readings(found, "energy")]
    assert multiplier(found, "energy") == -3
    assert max(values) <= LARGEST
    assert values == [99999999123457, 0, 0], "of 10^-3 watt-hours"


def test_the_same_twice(home: Account) -> None:
    world.use(home, utc(2026, 2, 3), type_="read", energy="1.5")
    span = Span(home, utc(2026, 2, 1), utc(2026, 2, 4), "hour")
    assert b"".join(greenbutton_xml(span, supplies())) == b"".join(greenbutton_xml(span, supplies()))


@given(st.lists(st.decimals(-1000, 1000, places=9)), st.integers(-6, 0))
def test_rounded_sums_are_sums_rounded(amounts: list[Decimal], power: int) -> None:
    rounding = Rounding(power)
    told = sum(rounding.next(amount) for amount in amounts)
    assert abs(told * D(10) ** power - sum(amounts)) <= D(10) ** power / 2


@pytest.mark.parametrize(
    ("zone", "offset", "saving", "start", "end"),
    [
        # Those of the samples of the Green Button Alliance: second Sunday of March, first of November, 02:00.
        ("America/New_York", -18000, 3600, "360E2000", "B40E2000"),
        ("America/Los_Angeles", -28800, 3600, "360E2000", "B40E2000"),
        # Last Sundays of March and October, at 01:00 UTC.
        ("Europe/Paris", 3600, 3600, "3E0E2000", "AE0E3000"),
        ("Europe/London", 0, 3600, "3E0E1000", "AE0E2000"),
        ("Europe/Athens", 7200, 3600, "3E0E3000", "AE0E4000"),
        # South of the equator, and half an hour.
        ("Australia/Lord_Howe", 37800, 1800, "A40E2000", "440E2000"),
        # A rule that no pattern of ours tells is the day itself: 6 September at 00:00.
        ("America/Santiago", -14400, 3600, "90600000", "40500000"),
        ("Asia/Tokyo", 32400, 0, "00000000", "00000000"),
        ("UTC", 0, 0, "00000000", "00000000"),
    ],
)
def test_clocks(zone: str, offset: int, saving: int, start: str, end: str) -> None:
    found = local_time(zone, 2026)
    assert (found.offset, found.saving, found.start_rule, found.end_rule) == (offset, saving, start, end)
