"""The exports page: a plain form for each file, the files that the API gives, and addresses that are none of ours."""

import csv
import io
import zipfile
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import Role
from billing.invoices.models import Invoice
from billing.plans.actions import load_catalog
from billing.plans.models import Meter
from billing.usage.queries import usage_rows
from tests.factories import make_account, make_member
from tests.invoices.exports.checking import accounting, focus, read
from tests.portal.world import World, build, sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db: None) -> World:
    return build()


def file(world: World, name: str, query: str, role: str = Role.VIEWER) -> Any:
    member = make_member(world.account, role, email=f"{name}-{role}@example.com")
    return sign_in(member).get(f"{reverse(f'portal:{name}')}?{query}")


@pytest.mark.parametrize("role", Role.values)
def test_every_role_sees_the_page_and_its_forms_are_plain(world: World, role: str) -> None:
    client = sign_in(make_member(world.account, role, email=f"{role}@example.com"))
    text = client.get(reverse("portal:exports")).text
    for name in ("invoices_zip", "accounting_csv", "focus_csv", "usage_export"):
        assert f'<form class="row low" method="get" action="{reverse(f"portal:{name}")}">' in text
        assert f'<label for="{name}">' in text
    months = [f"{world.now - timedelta(days=days):%Y-%m}" for days in (0, 40)]
    assert all(f'<option value="{month}">' in text for month in months)
    assert f'<option value="{world.now.year}">' in text
    assert reverse("portal:exports") in client.get(reverse("portal:invoices")).text


def test_files_of_a_year(world: World) -> None:
    year = f"year={timezone.now().year}"
    assert read(file(world, "focus_csv", year).streaming_content) == focus(world.account)
    booked = file(world, "accounting_csv", year)
    assert booked.headers["Content-Disposition"].endswith(f'"accounting-atelier-brume-{year[5:]}.csv"')
    assert read(booked.streaming_content) == accounting(world.account)
    zipped = zipfile.ZipFile(io.BytesIO(b"".join(file(world, "invoices_zip", year).streaming_content)))
    numbers = Invoice.objects.filter(account=world.account).values_list("number", flat=True)
    assert {name.partition(".")[0] for name in zipped.namelist()} == set(numbers)


def test_usage_of_a_month_is_its_days(world: World) -> None:
    month = (world.now - timedelta(days=20)).replace(day=1)
    answer = file(world, "usage_export", f"month={month:%Y-%m}")
    assert answer.headers["Content-Disposition"].endswith(f'"usage-atelier-brume-{month:%Y-%m}.csv"')
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode(), newline="")))
    assert {row["local_start"][:7] for row in rows} == {f"{month:%Y-%m}"}
    meter = Meter.objects.get(code="output_tokens")
    first, after = (row["start"] for row in (rows[0], rows[-1]))
    assert first <= after
    own = [row for row in rows if row["meter"] == meter.code]
    start = datetime.fromisoformat(own[0]["start"])
    end = datetime.fromisoformat(own[-1]["start"]) + timedelta(days=1)
    [whole] = usage_rows(world.account, meter, start, min(end, timezone.now()), "none")
    assert sum(int(row["quantity"]) for row in own) == whole.quantity
    assert sum(int(row["events"]) for row in own) == whole.events


def test_energy_has_a_file_where_a_meter_sums_it(world: World) -> None:
    month = f"month={world.now:%Y-%m}"
    text = sign_in(world.owner).get(reverse("portal:exports")).text
    assert "Green Button format" not in text
    assert file(world, "greenbutton", month).status_code == 404
    own = {"code": "energy", "name": "Energy", "unit": "kWh", "unit_code": "KWH", "event_type": "meter.read"}
    load_catalog({"catalog": 1, "meters": [{**own, "aggregation": "sum", "value": "kwh"}]})
    assert "Green Button format" in sign_in(world.owner).get(reverse("portal:exports")).text
    answer = file(world, "greenbutton", month, Role.BILLING)
    assert answer.headers["Content-Disposition"].endswith(f'"greenbutton-atelier-brume-{month[6:]}.xml"')
    assert b"".join(answer.streaming_content).count(b"<espi:UsagePoint") == 1


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("focus_csv", ""),
        ("focus_csv", "year=26"),
        ("accounting_csv", "year=20267"),
        ("accounting_csv", "year=٢٠٢٦"),
        ("invoices_zip", "year=1999"),
        ("usage_export", "month=2026"),
        ("usage_export", "month=2026-13"),
        ("usage_export", "month=2026-11-01"),
    ],
)
def test_what_no_form_offers_is_no_address(world: World, name: str, query: str) -> None:
    assert file(world, name, query).status_code == 404


def test_a_new_customer_is_told_why_there_is_nothing(db: None) -> None:
    text = sign_in(make_member(make_account("new"))).get(reverse("portal:exports")).text
    assert "None yet. The first one comes when your plan starts to cost." in text
    assert "Quantities by meter and day" in text
