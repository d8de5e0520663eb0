"""Nobody gains or loses by switching as such, and changes between other prices cost what the contract says.

Through the database: catalogue, subscriptions changed `at` random instants, events by the intake, invoices. Each world
has a charge for every aggregation with every model (`switching.PAIRS`), with allowances, bounds, filters and minimums.
"""

import pytest

from tests.effort import seeds
from tests.invoices import switching, world

pytestmark = pytest.mark.usefixtures("db")


@pytest.mark.parametrize("turn", range(len(seeds(2, 60))))
def test_changes_between_equal_prices_change_nothing(turn: int) -> None:
    """Twins with the same usage, of whom one changes plan up to 8 times."""
    sold = switching.sell(f"equal {seeds(2, 60)[turn]}", 3, equal=True)
    stays, moves = switching.customer(sold, "stays"), switching.customer(sold, "moves")
    period = switching.period_of(stays)
    switching.choose_moves(sold, period)
    events = switching.usage(sold, period, stays)
    world.send(events)
    world.send(switching.same_for(moves, events[:20]))
    switching.move(moves, sold.moves)
    world.send(switching.same_for(moves, events[20:]))
    assert switching.by_charge(switching.close(moves)) == switching.by_charge(switching.close(stays))


@pytest.mark.parametrize("turn", range(len(seeds(2, 60))))
def test_changes_between_other_prices_cost_what_the_contract_says(turn: int) -> None:
    """Every usage and minimum line, in order, as the independent checker has it."""
    sold = switching.sell(f"other {seeds(2, 60)[turn]}", 4, equal=False)
    account = switching.customer(sold, "acme")
    period = switching.period_of(account)
    switching.choose_moves(sold, period, 5)
    world.send(switching.usage(sold, period, account))
    switching.move(account, sold.moves)
    assert switching.owed(switching.close(account)) == switching.expected_lines(sold, account)
