"""`quote`: usage to lines without a database, line by line, a bad line not stopping the others."""

import io
import json
import os
import resource
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from billing.plans import quoting
from billing.pricing.catalog import Catalog
from billing.pricing.charges import AGGREGATIONS
from billing.pricing.parse import parse_catalog
from billing.pricing.quote import QuoteError, quote_line

ROOT = Path(__file__).parents[2]


def meter(aggregation):
    value = {} if aggregation == "count" else {"value": "size"}
    return {"code": aggregation, "event_type": "e", "aggregation": aggregation, "unit": "MB", **value}


def charge(aggregation, **keys):
    return {"meter": aggregation, "model": "per_unit", "unit_price": "0.105", **keys}


DATA = {
    "catalog": 1,
    "meters": [meter(aggregation) for aggregation in AGGREGATIONS],
    "plans": [
        {
            "code": "all",
            "currency": "EUR",
            "interval": "month",
            "base_price": "49",
            "charges": [charge(aggregation) for aggregation in AGGREGATIONS],
        },
        {
            "code": "least",
            "currency": "EUR",
            "interval": "month",
            "charges": [
                charge("sum", name={"en": "Traffic", "fr": "Trafic"}, minimum_amount="5"),
                {"code": "fee", "meter": "count", "model": "percentage", "rate": "10"},
            ],
        },
    ],
}
CATALOG, PROBLEMS = parse_catalog(DATA)


def problems_of(request) -> dict[str, str]:
    with pytest.raises(QuoteError) as raised:
        quote_line(CATALOG, request)
    return {problem.path: problem.message for problem in raised.value.problems}


def test_a_quote_has_lines_and_their_sum():
    assert PROBLEMS == []
    answer = quote_line(
        CATALOG, {"plan": "least", "quantities": {"sum": "10"}, "events": {"fee": [7, "3"]}, "locale": "fr"}
    )
    assert (answer["plan"], answer["currency"], answer["subtotal"]) == ("least", "EUR", "6.00")
    usage, fee, minimum = answer["lines"]
    assert (usage["id"], usage["description"], usage["amount"], usage["period"]) == (
        "usage:sum",
        "Trafic",
        "1.05",
        None,
    )
    assert (fee["id"], fee["quantity"], fee["amount"]) == ("usage:fee", "2", "1.00")
    assert (minimum["id"], minimum["kind"], minimum["amount"], minimum["tiers"]) == (
        "minimum:sum",
        "minimum",
        "3.95",
        [],
    )


def test_no_usage_costs_nothing_but_minimums():
    assert quote_line(CATALOG, {"plan": "all"}) == {
        "plan": "all",
        "currency": "EUR",
        "lines": [],
        "subtotal": "0.00",
    }
    assert quote_line(CATALOG, {"plan": "least", "events": {}})["subtotal"] == "5.00"


@pytest.mark.parametrize(
    ("aggregation", "quantity"),
    [("count", "3"), ("sum", "12"), ("max", "5"), ("unique", "2"), ("latest", "2")],
)
def test_events_are_aggregated_as_the_meter_says(aggregation, quantity):
    (line,) = quote_line(CATALOG, {"plan": "all", "events": {aggregation: ["5", 5, Decimal(2)]}})["lines"]
    assert line["quantity"] == quantity
    assert quote_line(CATALOG, {"plan": "all", "events": {aggregation: []}})["lines"] == []


@pytest.mark.parametrize(
    ("request_", "path", "message"),
    [
        ([], "top level", "expected a mapping"),
        ({}, "plan", "write the code of a plan"),
        ({"plan": 5}, "plan", "write the code of a plan"),
        ({"plan": "leest"}, "plan", "Did you mean least?"),
        ({"plan": "all", "quantity": 5}, "quantity", "Did you mean quantities?"),
        ({"plan": "all", "locale": 5}, "locale", "language tag"),
        ({"plan": "all", "quantities": []}, "quantities", "expected a mapping"),
        ({"plan": "all", "quantities": [1]}, "quantities", "expected a mapping"),
        ({"plan": "all", "quantities": {"summ": 5}}, "quantities.summ", "Did you mean sum?"),
        ({"plan": "all", "quantities": {"sum": "much"}}, "quantities.sum", "decimal number"),
        ({"plan": "all", "quantities": {"sum": 0.5}}, "quantities.sum", "floats are not exact"),
        (
            {"plan": "all", "quantities": {"sum": 1}, "events": {"sum": [1]}},
            "events.sum",
            "as a quantity too",
        ),
        ({"plan": "least", "quantities": {"fee": 1}}, "quantities.fee", "under events"),
        ({"plan": "all", "events": {"sum": 5}}, "events.sum", "expected a list"),
        ({"plan": "all", "events": {"sum": [1, "x"]}}, "events.sum[1]", "decimal number"),
        (
            {"plan": "all", "events": {"time_weighted": [1]}},
            "events.time_weighted",
            "time_weighted needs the events' times: give the quantity.",
        ),
    ],
    ids=range(16),
)
def test_requests_that_cannot_be_priced(request_, path, message):
    found = problems_of(request_)
    assert list(found) == [path]
    assert message in found[path]


def test_every_fault_of_a_request_is_told():
    assert problems_of({"plan": "no", "colour": 1}).keys() == {"plan", "colour"}
    with pytest.raises(QuoteError) as raised:
        quote_line(CATALOG, {"plan": 5, "colour": 1})
    told = "colour: unknown key: remove it.; plan: write the code of a plan of the catalogue."
    assert str(raised.value) == told


def test_texts_are_english_unless_a_locale_is_given():
    name = {"und": "M", "en": "Traffic", "fr": "Trafic"}
    plan = {"code": "p", "currency": "EUR", "interval": "month", "charges": [charge("sum", name=name)]}
    catalog, _ = parse_catalog({**DATA, "plans": [plan]})
    request = {"plan": "p", "quantities": {"sum": 1}}
    found = [quote_line(catalog, {**request, **locale}) for locale in ({}, {"locale": "fr"})]
    assert [line["description"] for quote in found for line in quote["lines"]] == ["Traffic", "Trafic"]


def test_quantities_have_up_to_38_digits_before_the_point():
    (line,) = quote_line(CATALOG, {"plan": "all", "quantities": {"sum": "9" * 38}})["lines"]
    assert (line["quantity"], line["amount"]) == ("9" * 38, "10499" + "9" * 33 + ".90")
    assert (
        "at most 38 digits" in problems_of({"plan": "all", "quantities": {"sum": "1" * 39}})["quantities.sum"]
    )


def quoted(content: bytes, catalog: Catalog = CATALOG):
    """Status, answers, and what was told on the error stream."""
    out, err = io.StringIO(), io.StringIO()
    status = quoting.quote_lines(catalog, io.BytesIO(content), out, err)
    return status, [json.loads(line) for line in out.getvalue().splitlines()], err.getvalue().splitlines()


def test_bad_lines_are_told_in_their_place_and_do_not_stop_the_others():
    content = b'\xef\xbb\xbf{"plan": "all"}\n\n{"plan": "no", "x": 1}\nnope\n\xff\n{"plan": "least"}'
    status, answers, errors = quoted(content)
    assert status == 1
    assert [answer.get("plan", answer.get("line")) for answer in answers] == ["all", 3, 4, 5, "least"]
    assert [[error["path"] for error in answer.get("errors", [])] for answer in answers] == [
        [], ["x", "plan"], ["top level"], ["top level"], [],
    ]  # fmt: skip
    assert errors == [
        f"line {answer['line']}: {error['path']}: {error['message']}"
        for answer in answers[1:4]
        for error in answer["errors"]
    ]
    assert answers[3]["errors"][0]["message"] == "not UTF-8: write the line in that encoding."


def test_a_line_that_is_too_long_is_refused_and_skipped():
    long = b'{"plan": "all", "x": "' + b"x" * (2 * quoting.MAX_LINE_BYTES) + b'"}\n'
    status, (bad, good), errors = quoted(long + b'{"plan": "all"}\n')
    assert (status, bad["line"], good["plan"], len(errors)) == (1, 1, "all", 1)
    assert "too large" in bad["errors"][0]["message"]
    assert quoted(long.rstrip(b"\n"))[0] == 1


@pytest.fixture
def files(tmp_path):
    catalog, usage = tmp_path / "catalog.json", tmp_path / "usage.jsonl"
    catalog.write_text(json.dumps(DATA))
    usage.write_text('{"plan": "all", "quantities": {"sum": "10"}}\n')
    return catalog, usage


def run(catalog, usage, capsys):
    status = quoting.main(["--catalog", str(catalog), "--usage", str(usage)])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_the_program_prices_a_file(files, capsys):
    status, out, err = run(*files, capsys)
    assert (status, err) == (0, "")
    assert json.loads(out)["subtotal"] == "1.05"


def test_the_program_reads_standard_input(files, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'{"plan": "least"}\n')))
    assert json.loads(run(files[0], "-", capsys)[1])["subtotal"] == "5.00"


PROGRAM = "import sys; from billing.plans.quoting import main; sys.exit(main(sys.argv[1:]))"


def started(files, **environment):
    """The program on a pipe, its output held back as Python does unless told otherwise."""
    command = [sys.executable, "-c", PROGRAM, "--catalog", str(files[0]), "--usage", "-"]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdin=pipe, stdout=pipe, stderr=pipe)


def test_each_line_is_answered_before_the_next_is_asked(files):
    with started(files) as program:
        for _ in range(2):
            program.stdin.write(b'{"plan": "least", "locale": "fr"}\n')
            program.stdin.flush()
            assert json.loads(program.stdout.readline())["subtotal"] == "5.00"
        program.stdin.write(b'{"plan": "no"}\n')
        program.stdin.flush()
        assert json.loads(program.stdout.readline())["line"] == 3
        program.stdin.close()


def test_answers_are_utf_8_whatever_the_locale(files):
    files[0].write_text(files[0].read_text().replace('"Trafic"', '"Débit €"'), encoding="utf-8")
    with started(files, LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0") as program:
        out, err = program.communicate(b'{"plan": "least", "locale": "fr"}\n')
    assert (json.loads(out)["lines"][0]["description"], err) == ("Débit €", b"")


def test_a_reader_that_leaves_early_is_no_fault(files):
    with started(files) as program:
        program.stdout.close()
        program.stdin.write(b'{"plan": "least"}\n')
        program.stdin.close()
        assert (program.wait(), program.stderr.read()) == (1, b"")


def test_the_program_tells_bad_catalogues_and_absent_files(files, capsys, tmp_path):
    catalog, usage = files
    status, _, err = run(catalog, tmp_path / "absent", capsys)
    assert (status, "absent cannot be read" in err) == (1, True)
    catalog.write_text(json.dumps({**DATA, "catalog": 2, "colour": 1}))
    status, out, err = run(catalog, usage, capsys)
    assert (status, out, len(err.splitlines())) == (1, "", 2)
    catalog.write_text("{")
    status, out, err = run(catalog, usage, capsys)
    assert (status, out, "line 1, column 2" in err) == (1, "", True)


def test_a_thousand_quotes_take_less_than_three_seconds_start_included(files):
    catalog, usage = files
    usage.write_text(
        '{"plan": "all", "quantities": {"sum": "10", "max": "3"}, "events": {"count": [1, 2]}}\n' * 1000
    )
    command = [sys.executable, "-c", PROGRAM, "--catalog", str(catalog), "--usage", str(usage)]
    # Processor time: a busy machine is not the program's fault. Measuring coverage of it would be.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 3
    assert {json.loads(line)["subtotal"] for line in done.stdout.splitlines()} == {"1.58"}
    assert len(done.stdout.splitlines()) == 1000


def test_the_program_starts_no_site():
    check = (
        "import sys, billing.plans.quoting; sys.exit(sorted({'django', 'psycopg'} & set(sys.modules)) or 0)"
    )
    assert subprocess.run([sys.executable, "-c", check], cwd=ROOT, check=False).returncode == 0
