"""What the repository promises about itself."""

import ast
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
TOP_LEVEL = {
    "manage.py", "pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "docs",
    "billing", "portal", "accounts", "templates", "static", "tests",
}  # fmt: skip


@cache
def tracked() -> list[Path]:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    out = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
    ).stdout
    return [Path(name) for name in out.split("\0") if name and (ROOT / name).exists()]


def sources() -> list[Path]:
    return [path for path in tracked() if path.suffix == ".py" and "migrations" not in path.parts]


def test_the_top_level_is_as_given() -> None:
    names = {path.parts[0] for path in tracked()}
    assert {name for name in names if not name.startswith(".")} <= TOP_LEVEL


def test_no_lock_file_and_no_registry_address_is_kept() -> None:
    assert Path("uv.lock") not in tracked()
    text = (ROOT / "pyproject.toml").read_text()
    assert "index-url" not in text
    assert "://" not in text


def test_files_are_small_enough_to_read() -> None:
    long = {str(path): len((ROOT / path).read_text().splitlines()) for path in sources()}
    assert {
        name: lines for name, lines in long.items() if lines > 450 and not name.startswith("tests/")
    } == {}


def test_functions_are_short() -> None:
    found = []
    for path in sources():
        if path.parts[0] == "tests":
            continue
        for node in ast.walk(ast.parse((ROOT / path).read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
                length = node.end_lineno - node.lineno + 1
                if length > 60:
                    found.append(f"{path}:{node.lineno} {node.name} has {length} lines")
    assert found == []


def test_templates_leave_escaping_on_and_carry_no_script_or_style() -> None:
    handlers = r"\son(click|load|error|change|submit|input|focus|blur|key\w+|mouse\w+|toggle)="
    unsafe = r"\|safe\b|autoescape off|\sstyle=|<style|<script(?![^>]*\ssrc=)"
    forbidden = re.compile(f"{handlers}|{unsafe}", re.IGNORECASE)
    found = []
    for path in tracked():
        if (
            path.suffix == ".html"
            and path.parts[0] == "templates"
            and path.parts[1] not in {"invoices", "email"}
        ):
            found += [f"{path}: {m[0]}" for m in forbidden.finditer((ROOT / path).read_text())]
    assert found == []


def test_nothing_is_left_open() -> None:
    mark = re.compile(r"#\s*(TODO|FIXME|XXX)\b|raise NotImplementedError")
    assert [
        str(path) for path in sources() if path.parts[0] != "tests" and mark.search((ROOT / path).read_text())
    ] == []


def test_every_file_is_small_enough_to_clone() -> None:
    assert [str(path) for path in tracked() if (ROOT / path).stat().st_size > 400_000] == []
