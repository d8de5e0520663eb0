"""Exports over HTTP: which documents, names of files, what is refused, and usage as the usage API has it."""

import csv
import io
import zipfile
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Account
from billing.invoices.actions import bill_account
from billing.invoices.models import Invoice
from billing.plans.models import Meter
from tests.api.conftest import Caller, MakeCaller

DOCUMENTS = ("focus.csv", "accounting.csv")


def table(root: Caller, path: str) -> list[dict[str, str]]:
    answer = root("GET", path)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/csv; charset=utf-8"), (
        answer.content
    )
    return list(csv.DictReader(io.StringIO(answer.content.decode(), newline="")))


def events(start: Any, count: int = 40) -> list[dict[str, Any]]:
    """Every 19 hours, in turn by two models and two regions, some without a region."""
    return [
        {
            "specversion": "1.0",
            "id": f"e{n}",
            "source": "/s",
            "type": ("llm.completion", "http.request")[n % 5 == 4],
            "subject": "acme",
            "time": (start + timedelta(hours=19 * n)).isoformat(),
            "data": {
                "tokens": f"{n * 7}.25",
                "model": ("=small", "large")[n % 2],
                **({"region": ("eu", "us")[n % 3 == 1]} if n % 3 else {}),
            },
        }
        for n in range(count)
    ]


@pytest.fixture
def used(root: Caller, acme: Account) -> Account:
    """Usage over 31 days, and the documents of it."""
    start = timezone.now() - timedelta(days=33)
    root.ok("POST", "/accounts/acme/subscriptions", {"plan": "team", "start": start.isoformat()}, 201)
    assert root.ok("POST", "/events", events(start + timedelta(hours=1)))["accepted"] == 40
    bill_account(acme, timezone.now())
    return acme


@pytest.mark.parametrize("granularity", ["hour", "day", "month", "none"])
def test_usage_is_what_the_usage_api_has(root: Caller, used: Account, granularity: str) -> None:
    """Cut into months or not, a row for each bucket and group, and all meters one after another."""
    since = (timezone.now() - timedelta(days=60)).date().isoformat()
    span = f"from={since}&granularity={granularity}"
    for by in ("", "model", "region,model"):
        rows = table(root, f"/accounts/acme/exports/usage.csv?{span}{grouped(by)}")
        names = by.split(",") if by else []
        assert list(rows[0])[6:-2] == names
        expected = []
        for meter, dimensions in (("calls", []), ("energy", []), ("tokens", names)):
            query = f"meter={meter}&{span}{grouped(','.join(dimensions))}"
            for row in root.ok("GET", f"/accounts/acme/usage?{query}")["rows"]:
                told = [_quoted(row["dimensions"].get(name)) for name in names]
                expected.append([meter, row["start"], *told, row["quantity"], str(row["events"])])
        found = [
            [row["meter"], row["start"], *(row[name] for name in names), row["quantity"], row["events"]]
            for row in rows
        ]
        assert found == expected
    told = {(row["account"], row["meter"], row["name"], row["unit"]) for row in rows}
    assert told >= {("acme", "tokens", "Tokens", "token"), ("acme", "calls", "Calls", "call")}


def grouped(by: str) -> str:
    return f"&group_by={by}" if by else ""


def _quoted(value: str | None) -> str:
    return f"'{value}" if (value or "").startswith("=") else value or ""


def test_one_meter_and_its_local_days(root: Caller, used: Account) -> None:
    rows = table(root, "/accounts/acme/exports/usage.csv?meter=calls&from=2026-01-01")
    assert {row["meter"] for row in rows} == {"calls"}
    assert {row["local_start"][10:19] for row in rows} == {"T00:00:00"}
    assert sum(int(row["quantity"]) for row in rows) == 8


@pytest.mark.parametrize("file", DOCUMENTS)
def test_which_documents(root: Caller, used: Account, file: str) -> None:
    first, second = Invoice.objects.order_by("issued_at")
    year = first.issued_at.year
    path = f"/accounts/acme/exports/{file}"
    name = "number" if file == "accounting.csv" else "InvoiceId"
    both = {first.number, second.number}
    assert {row[name] for row in table(root, path)} == both
    assert {row[name] for row in table(root, f"{path}?year={year}")} == both
    assert table(root, f"{path}?year={year - 1}") == []
    assert {row[name] for row in table(root, f"{path}?invoice={second.number}")} == {second.number}
    cut = second.issued_at.isoformat().replace("+00:00", "Z")
    assert {row[name] for row in table(root, f"{path}?to={cut}")} == {first.number}
    assert {row[name] for row in table(root, f"{path}?from={cut}")} == {second.number}


def test_files_say_whose_and_of_when_they_are(root: Caller, used: Account) -> None:
    number = Invoice.objects.values_list("number", flat=True).order_by("issued_at")[0]
    expected = {
        "focus.csv?year=2026": "focus-acme-2026.csv",
        f"focus.csv?invoice={number}": f"focus-acme-{number}.csv",
        "accounting.csv?from=2026-01-01&to=2026-04-01": "accounting-acme-2026-01-01-to-2026-04-01.csv",
        "accounting.csv?to=2026-04-01": "accounting-acme-to-2026-04-01.csv",
        "usage.csv?meter=calls&from=2026-01-01&to=2026-02-01": "usage-acme-2026-01-01-to-2026-02-01-calls.csv",
    }
    for query, name in expected.items():
        headers = root("GET", f"/accounts/acme/exports/{query}").headers
        assert headers["Content-Disposition"] == f'attachment; filename="{name}"'
        assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("file", "query", "parameter"),
    [
        *((file, query, name) for file, (query, name) in product(DOCUMENTS, [
            ("year=20x6", "year"),
            ("year=1900", "year"),
            ("year=2026&invoice=F-1", "year"),
            ("year=2026&from=2026-01-01", "from"),
            ("invoice=F-1&to=2026-01-01", "to"),
            ("from=2026-02-01&to=2026-01-01", "to"),
            ("from=2027-12-01", "from"),
            ("from=yesterday", "from"),
            ("month=2", "month"),
        ])),
        ("usage.csv", "meter=nothing", "meter"),
        ("usage.csv", "granularity=minute", "granularity"),
        ("usage.csv", "group_by=colour", "group_by"),
        ("usage.csv", "group_by=model,model", "group_by"),
        ("usage.csv", "meter=calls&group_by=model", "group_by"),
        ("usage.csv", "from=2026-02-01&to=2026-01-01", "to"),
        ("usage.csv", "from=1980-01-01&to=2026-01-01", "to"),
        ("usage.csv", "from=1960-01-01", "from"),
        ("usage.csv", "to=2300-01-01", "to"),
        ("usage.csv", "from=9998-01-01&to=9998-02-01", "from"),
    ],
)  # fmt: skip
def test_what_is_refused_names_the_parameter(
    root: Caller, used: Account, file: str, query: str, parameter: str
) -> None:
    problem = root.refused("GET", f"/accounts/acme/exports/{file}?{query}", 400)
    assert [each["parameter"] for each in problem["errors"]] == [parameter]


def test_the_documents_of_a_year_as_zip(root: Caller, used: Account) -> None:
    year = timezone.now().year
    path = "/accounts/acme/exports/invoices.zip"
    answer = root("GET", f"{path}?year={year}")
    assert answer.headers["Content-Type"] == "application/zip"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="invoices-acme-{year}.zip"'
    numbers = Invoice.objects.order_by("issued_at").values_list("number", flat=True)
    assert zipfile.ZipFile(io.BytesIO(answer.content)).namelist() == [
        f"{number}.{suffix}" for number in numbers for suffix in ("pdf", "xml")
    ]
    root.refused("GET", f"{path}?year={year - 1}", 404)
    assert root.refused("GET", path, 400)["errors"][0]["parameter"] == "year"


@pytest.mark.parametrize("file", DOCUMENTS)
def test_a_document_of_another_is_not_there(
    root: Caller, caller: MakeCaller, used: Account, other: Account, file: str
) -> None:
    root.ok("POST", "/accounts/other/subscriptions", {"plan": "team"}, 201)
    foreign = Invoice.objects.get(account=other).number
    for key, number in product((root, caller("read", account=used)), (foreign, "F-999999", "F\x00")):
        status = 400 if "\x00" in number else 404
        key.refused("GET", f"/accounts/acme/exports/{file}?invoice={number.replace('\x00', '%00')}", status)


def test_a_file_is_the_same_each_time(root: Caller, used: Account) -> None:
    for file in (*DOCUMENTS, "usage.csv"):
        path = f"/accounts/acme/exports/{file}?from=2026-01-01&to={timezone.now().date().isoformat()}"
        assert root("GET", path).content == root("GET", path).content


def test_energy_as_green_button_and_no_other_meter(root: Caller, used: Account) -> None:
    path = "/accounts/acme/exports/greenbutton.xml"
    answer = root("GET", f"{path}?from=2026-02-01&to=2026-02-02")
    assert answer.headers["Content-Type"] == "application/atom+xml; charset=utf-8"
    name = "greenbutton-acme-2026-02-01-to-2026-02-02.xml"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    assert answer.content.count(b"<espi:IntervalReading>") == 24
    assert root("GET", f"{path}?meter=energy&granularity=day").status_code == 200
    problem = root.refused("GET", f"{path}?meter=tokens", 422)
    assert problem["code"] == "not_a_supply"
    assert problem["errors"][0]["parameter"] == "meter"
    assert "energy" in problem["detail"]
    root.refused("GET", f"{path}?meter=nothing", 400)
    root.refused("GET", f"{path}?granularity=month", 400)
    Meter.objects.filter(code="energy").update(unit_code="C62")
    assert "unit_code" in root.refused("GET", path, 404)["detail"]
