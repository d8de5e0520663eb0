"""Published versions survive the owner of the tables."""

import pytest
from django.db import IntegrityError, connections

from billing.plans.models import Charge
from tests.plans.selling import plan, sell, the_plan


@pytest.mark.parametrize("statement", ["TRUNCATE {} CASCADE", "DELETE FROM {}"])
@pytest.mark.parametrize("table", ["plans_planversion", "plans_charge"])
def test_not_even_the_owner_empties_the_tables(committed: str, table: str, statement: str) -> None:
    sell(plan("team", "49.00"))
    with pytest.raises(IntegrityError) as caught, connections["owner"].cursor() as cursor:
        cursor.execute(statement.format(table))
    assert getattr(caught.value.__cause__, "sqlstate", "") == "23001"
    assert (the_plan("team").versions.count(), Charge.objects.count()) == (1, 1)
