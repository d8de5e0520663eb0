"""`manage.py catalog`: what it prints, how it ends, and when it needs a database."""

import json
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from accounts.scope import installation_scope
from billing.plans.models import Plan
from tests.plans.selling import catalog, plan, the_plan

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "catalogue.json"
    path.write_text(json.dumps(catalog(plan("team", "49.00"))))
    return path


def run(*args: Any) -> tuple[int, str, str]:
    out, err = StringIO(), StringIO()
    try:
        call_command("catalog", *map(str, args), stdout=out, stderr=err)
    except SystemExit as end:
        return int(end.code or 0), out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


def test_load_prints_what_changed(committed: str, file: Path) -> None:
    assert run("load", file) == (
        0,
        "tax fr-20: added\ncoupon WELCOME: added\nmeter output_tokens: added\n"
        "plan team: added\nplan team: published version 1\n",
        "",
    )
    assert run("load", file) == (0, "Nothing changed.\n", "")
    assert run("load", file, "--json") == (0, '{"changes": []}\n', "")


def test_load_as_json(committed: str, file: Path) -> None:
    status, out, _ = run("load", file, "--json")
    assert status == 0
    assert json.loads(out)["changes"][-1] == {
        "kind": "plan",
        "code": "team",
        "action": "published",
        "version": 1,
    }


def test_load_refuses_with_every_fault(committed: str, file: Path) -> None:
    file.write_text(json.dumps(catalog(plan("team", "-1", interval="day"), plan("scale", "5", tax="none"))))
    status, out, err = run("load", file)
    assert (status, out) == (1, "")
    assert [line.partition(":")[0] for line in err.splitlines()] == [
        "plans[0].interval",
        "plans[0].base_price",
        "plans[1].tax",
    ]
    status, out, _ = run("load", file, "--json")
    assert (status, len(json.loads(out)["errors"])) == (1, 3)
    with installation_scope():
        assert not Plan.objects.exists()


def test_check_stores_nothing_and_knows_what_is_stored(committed: str, file: Path) -> None:
    assert run("check", file) == (0, "The catalogue is sound.\n", "")
    with installation_scope():
        assert not Plan.objects.exists()
    run("load", file)
    file.write_text(json.dumps({"catalog": 1, "plans": [plan("scale", "199.00", tax="fr-20")]}))
    assert run("check", file, "--json") == (0, '{"errors": []}\n', "")
    file.write_text(json.dumps({"catalog": 1, "plans": [plan("scale", "199.00", tax="fr-21")]}))
    assert run("check", file)[2].startswith("plans[0].tax: ")
    with installation_scope():
        assert the_plan("team").versions.count() == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", "line 1"), ('{"catalog": 1, "catalog": 1}', "twice"), ("[]", "expected a mapping")],
)
def test_a_file_that_is_none(file: Path, text: str, message: str) -> None:
    file.write_text(text)
    status, out, err = run("check", file)
    assert (status, out) == (1, "")
    assert message in err


def test_a_missing_file(tmp_path: Path) -> None:
    status, _, err = run("check", tmp_path / "none.yaml")
    assert status == 1
    assert "cannot be read" in err


def test_check_tells_what_loading_would_refuse_for_what_is_stored(committed: str, file: Path) -> None:
    run("load", file)
    data = json.loads(file.read_text())
    data["meters"][0] |= {"aggregation": "max"}
    file.write_text(json.dumps(data))
    assert run("check", file)[2].startswith("meters[0].aggregation: stays 'sum'")


def program(action: str, file: Path, tmp_path: Path, **environment: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "manage.py", "catalog", action, str(file)],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "DATA_DIR": str(tmp_path / "data"), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_check_of_a_file_that_stands_alone_starts_no_database(file: Path, tmp_path: Path) -> None:
    assert program("check", file, tmp_path) == (0, "The catalogue is sound.\n", "")
    assert not list(tmp_path.rglob("PG_VERSION"))


def test_a_database_that_does_not_answer_is_told_in_a_sentence(file: Path, tmp_path: Path) -> None:
    nowhere = {"DATABASE_URL": "postgres://nobody@127.0.0.1:1/none"}
    assert program("check", file, tmp_path, **nowhere) == (0, "The catalogue is sound.\n", "")
    status, out, err = program("load", file, tmp_path, **nowhere)
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert err.startswith("The database does not answer (")
    file.write_text(json.dumps({"catalog": 1, "plans": [plan("team", "49.00")]}))
    assert program("check", file, tmp_path, **nowhere)[2] == err
