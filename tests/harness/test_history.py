"""The judge of the harness tells each way in which a store can be wrong; and a slice of the real run."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.exactly_once import prepare, run
from tests.harness.history import NO_ANSWER, REFUSED, Act, History, judge, usage_of
from tests.harness.product import Product
from tests.server.running import free_port


def told(*acts: Act, status: int = 200, accepted: int | None = None, **body: object) -> History:
    history = History()
    counts = {"accepted": len(acts) if accepted is None else accepted, "rejected": [], "quarantined": 0}
    history.add(acts, {"status": status, "body": {**counts, **body}})
    return history


def test_what_is_acknowledged_must_be_there() -> None:
    history = told((1, 0), (2, 0))
    assert judge(history, {1: 0, 2: 0}).good
    assert judge(history, {1: 0}).lost == {2}


def test_a_correction_is_lost_if_the_event_went_back() -> None:
    history = told((10, 0), (10, 1))
    assert judge(history, {10: 1}).good
    assert judge(history, {10: 0}).lost == {10}


@pytest.mark.parametrize("status", [NO_ANSWER, 503])
def test_what_nobody_knows_may_be_there_or_not(status: int) -> None:
    history = told((1, 0), status=status)
    assert history.unknown == {(1, 0)}
    assert judge(history, {}).good
    assert judge(history, {1: 0}).good
    assert judge(history, {1: 1}).invented == {1}, "in a revision that nobody sent"


def test_what_was_never_sent_must_not_be_there() -> None:
    assert judge(told((1, 0), status=REFUSED), {1: 0}).invented == {1}


def test_an_event_that_counts_anew_when_sent_again_is_told() -> None:
    history = told((1, 0))
    history.add([(1, 0)], {"status": 200, "body": {"accepted": 1, "rejected": [], "quarantined": 0}})
    assert judge(history, {1: 0}).told_twice == 1


def test_other_answers_are_faults() -> None:
    assert told((1, 0), status=500).faults
    assert told((1, 0), rejected=[{"index": 0}]).faults
    assert told((1, 0), quarantined=1).faults
    assert not told((1, 0)).faults


def test_usage_is_the_sum_of_the_revisions_that_hold() -> None:
    usage = usage_of({1: 0, 10: 1, 4: 0, 3004: 0, 5: 0}, "warm")
    assert usage == {"units": ("2542", 3), "calls": ("3", 3), "peak": ("1190", 3), "people": ("2", 3)}


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Product]:
    running = Product(tmp_path / "data", free_port())
    try:
        yield running
    finally:
        running.stop()


@pytest.mark.server
@pytest.mark.xdist_group("server")
def test_a_slice_of_the_run(product: Product) -> None:
    """PostgreSQL is killed under eight writers, and then everything; docs/reliability.md has the long run."""
    prepare(product)
    report = run(product, seconds=8, every=(2, 3), victims=["postgres"])
    assert report.good, "\n".join(report.lines())
    assert report.kills["postgres"] >= 2
    assert len(report.history.acknowledged) > 1_000
