"""The independent checker and the published cases notice the mistakes that billing systems make."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ORACLE = "tests/pricing/test_oracle.py::test_rate_agrees_with_the_independent_checker[0]"
CASES = "tests/pricing/test_cases.py"

MISTAKES = {
    "a tier's bound belongs to the next": (
        "models/tiers.py",
        "quantity <= tier.up_to",
        "quantity < tier.up_to",
    ),
    "a tier's flat price is forgotten": (
        "models/tiers.py",
        "part(units, tier.unit_price, tier.flat_price,",
        "part(units, tier.unit_price,",
    ),
    "a flat price is due for an empty tier": ("models/tiers.py", "quantity <= below", "quantity < below"),
    "volume prices only the units inside its tier": (
        "models/tiers.py",
        "return (part(quantity, tier.unit_price, tier.flat_price, up_to=tier.up_to),)",
        "return graduated(charge, quantity)[-1:]",
    ),
    "included units are not taken off": ("price.py", "(charge, quantity - free)", "(charge, quantity)"),
    "the last package is free until it is full": ("models/unit.py", "packages += 1", "pass"),
    "the price is rounded before the maximum": (
        "price.py",
        "amount = total(rows)",
        "amount = total(rows).__round__(2)",
    ),
    "free events pay": ("models/percentage.py", "if not is_free:", "if True:"),
    "free events pay the fee": (
        "models/percentage.py",
        "yield before - charge.included_amount",
        "yield before - charge.included_amount\n        else:\n            yield ZERO",
    ),
    "one event too many is free": ("models/percentage.py", "passed < events", "passed <= events"),
    "an event that crosses the allowance pays on all of it": (
        "models/percentage.py",
        "yield before - charge.included_amount",
        "yield amount",
    ),
    "the maximum per event is not applied": (
        "models/percentage.py",
        "min(cost, charge.maximum_per_event)",
        "cost",
    ),
}
"""What is mistaken: the file of billing/pricing, what it says, what it says then."""

UNPUBLISHED = {
    "the maximum is not applied": ("price.py", "amount > charge.maximum_amount", "False"),
    "halves are rounded to even": (
        "money.py",
        "(PRECISION, ROUND_HALF_UP)",
        '(PRECISION, "ROUND_HALF_EVEN")',
    ),
    "a plan change starts at zero again": (
        "usage_lines.py",
        "return self.span.before.get(self.charge.code, NO_USAGE)",
        "return NO_USAGE",
    ),
    "a falling price pays out": ("usage_lines.py", "max(start, level)", "level"),
    "a fall is kept although nothing changed": ("usage_lines.py", "return same == ours", "return False"),
    "a minimum is not prorated": ("minimums.py", " * stretch.span.share", ""),
    "a minimum is added to the usage": ("minimums.py", " - reached\n", "\n"),
}
"""The published cases are of one charge in one span, without maxima and exact halves: only the checker sees these."""


@pytest.mark.parametrize("mistake", MISTAKES)
def test_checker_and_cases_notice(mistake, tmp_path, shared):
    (tmp_path / "shared").symlink_to(shared)
    failed = failures(tmp_path / "main", *MISTAKES[mistake])
    assert (ORACLE in failed, CASES in failed) == (True, True), failed


@pytest.mark.parametrize("mistake", UNPUBLISHED)
def test_checker_notices(mistake, tmp_path):
    assert ORACLE in failures(tmp_path / "main", *UNPUBLISHED[mistake])


def test_both_pass_without_a_mistake(tmp_path):
    said = failures(tmp_path / "main", "money.py", "", "")
    assert " passed" in said
    assert " failed" not in said


def failures(folder: Path, file: str, right: str, wrong: str) -> str:
    """What pytest says of the checker and the cases in a copy of the pricing code with one mistake."""
    for part in ("billing/pricing", "tests/pricing"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        (folder / part).parent.joinpath("__init__.py").touch()
    source = folder / "billing/pricing" / file
    text = source.read_text()
    assert right in text
    source.write_text(text.replace(right, wrong, 1) if right else text)
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "--tb=no",
            "--noconftest",
            "-c",
            os.devnull,
            "--rootdir",
            ".",
            ORACLE,
            CASES,
        ],
        cwd=folder,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout
