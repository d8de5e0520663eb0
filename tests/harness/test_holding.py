"""The judge of the harness tells each way in which a limit can fail to hold; and a slice of the real run."""

from collections import Counter
from decimal import Decimal

import pytest

from tests.harness.holding.__main__ import Effort, run
from tests.harness.holding.delays import Delays
from tests.harness.holding.goods import CALLS, cost
from tests.harness.holding.report import (
    EXACT,
    FAULTS,
    LIES,
    MAILED,
    MAILS,
    REFUSED,
    RESUMED,
    UNUSED,
    Report,
    share,
)
from tests.harness.holding.rounds import Leg, Round
from tests.harness.holding.sending import Asked, Notes, Sent, Way
from tests.server.running import Demo

PROMPT = Delays([0.01] * 20, [1.0] * 20, [0.01] * 20, mails=20, ids=20)


def sent(at: float, units: int) -> Sent:
    return Sent(at, at + 0.1, Counter({"eu": units, CALLS: 1}))


def told(at: float, spent: str, allowed: bool = True) -> Asked:
    return Asked(at, at + 0.1, allowed, Decimal(spent))


def played(*legs: tuple[str, Notes], way: Way = "ask", plan: str = "held-units") -> Round:
    """Legs by their limits."""
    found = Round("acme", plan, way)
    for limit, notes in legs:
        found.legs.append(Leg(Decimal(limit), found.legs[-1].used if found.legs else Counter(), (notes,)))
    return found


def broken(found: Round, delays: Delays = PROMPT) -> set[str]:
    return Report([found], delays).broken


def test_usage_costs_what_the_contract_says() -> None:
    assert cost("held-units", Counter({"eu": 100, "us": 1})) == Decimal("1.38")
    assert cost("held-tiers", Counter({"eu": 400, "us": 200})) == Decimal("28.00")
    assert cost("held-packages", Counter({"eu": 351})) == Decimal("6.00")
    assert cost("held-mixed", Counter({"eu": 100, "us": 251, CALLS: 10})) == Decimal("12.05")


def test_what_is_let_through_is_overshoot_and_is_not_payable() -> None:
    found = played(("1.00", Notes(sent=[sent(0, 100)])))
    assert (found.overshoots, found.usage, found.payable) == (
        [Decimal("0.37")],
        Decimal("1.37"),
        Decimal("1.00"),
    )


def test_a_raise_takes_no_waiver_back() -> None:
    found = played(("1.00", Notes(sent=[sent(0, 100)])), ("5.00", Notes(sent=[sent(1, 100)])))
    assert (found.usage, found.payable) == (Decimal("2.74"), Decimal("2.37"))
    assert found.overshoots == [Decimal("0.37"), 0]


@pytest.mark.parametrize(
    ("asked", "lie"),
    [
        (told(0.05, "0.00"), False),
        (told(0.05, "1.37"), False),
        (told(0.2, "1.37"), False),
        (told(0.2, "0.00"), True),
        (told(2.2, "1.37"), True),
        (told(0.5, "2.74"), True),
        (told(2.2, "2.74", allowed=True), True),
        (told(2.2, "2.74", allowed=False), False),
    ],
)
def test_an_answer_may_tell_what_is_under_way_but_not_less_than_what_was_acknowledged(
    asked: Asked, lie: bool
) -> None:
    found = played(("2.00", Notes(asked=[asked], sent=[sent(0, 100), sent(2, 100)])))
    assert (LIES in broken(found)) is lie


def test_reservations_neither_pass_the_limit_nor_leave_some_of_it() -> None:
    def reserved(units: int) -> set[str]:
        return broken(played(("1.37", Notes(sent=[sent(0, units)])), way="reserve"))

    assert reserved(101) >= {EXACT}
    assert reserved(99) >= {UNUSED}
    assert reserved(100) == set()


def test_delays_and_faults_break_promises() -> None:
    good = played(("9.00", Notes()))
    assert broken(good) == set()
    assert broken(good, Delays([0.2] * 20, [6.0] * 20, [6.0] * 20, 20, 20)) == {REFUSED, MAILED, RESUMED}
    for mails, ids in ((21, 21), (19, 19), (20, 19)):
        assert broken(good, Delays([0.01] * 20, [1.0] * 20, [0.01] * 20, mails, ids)) == {MAILS}
    assert broken(played(("9.00", Notes(faults=["500"])))) == {FAULTS}


def test_a_share_is_of_the_values() -> None:
    assert [share([3.0, 1.0, 2.0, 4.0], percent) for percent in (50, 95, 100)] == [2.0, 4.0, 4.0]


@pytest.mark.server
@pytest.mark.xdist_group("server")
def test_a_slice_of_the_run(demo: Demo) -> None:
    """Two senders, one plan, each way of asking once; docs/reliability.md has the long run. How fast a refusal comes is
    told there: here other tests share the machine."""
    report = run(demo, Effort(seconds=0, senders=2, firings=2, ahead=False, plans=("held-mixed",)))
    assert report.broken <= {REFUSED}, "\n".join(report.lines())
    assert all(one.notes.sent for one in report.rounds)
