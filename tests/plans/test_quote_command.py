"""`manage.py quote` hands its files to `billing.plans.quoting` and never asks the database."""

import io
import json

from django.core.management import call_command

DATA = {
    "catalog": 1,
    "meters": [{"code": "m", "event_type": "e", "aggregation": "count"}],
    "plans": [
        {
            "code": "p",
            "currency": "EUR",
            "interval": "month",
            "charges": [{"meter": "m", "model": "per_unit", "unit_price": "0.335"}],
        }
    ],
}


def quote(tmp_path, usage):
    """Status, answers and errors."""
    catalog, lines = tmp_path / "catalog.json", tmp_path / "usage.jsonl"
    catalog.write_text(json.dumps(DATA))
    lines.write_text(usage)
    out, err, status = io.StringIO(), io.StringIO(), 0
    try:
        call_command("quote", catalog=str(catalog), usage=str(lines), stdout=out, stderr=err)
    except SystemExit as ended:
        status = ended.code
    return status, *([json.loads(line) for line in stream.getvalue().splitlines()] for stream in (out, err))


def test_each_line_is_answered(tmp_path):
    status, answers, errors = quote(tmp_path, '{"plan": "p", "quantities": {"m": 3}}\n{"plan": "p"}\n')
    assert [answer["subtotal"] for answer in answers] == ["1.01", "0.00"]
    assert (status, errors) == (0, [])


def test_a_bad_line_is_told_and_the_status_is_1(tmp_path):
    status, answers, errors = quote(tmp_path, '{"plan": "q"}\n{"plan": "p"}\n')
    assert (status, [answer["plan"] for answer in answers]) == (1, ["p"])
    assert [error["error"]["line"] for error in errors] == [1]
