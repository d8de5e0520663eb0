"""Three periods under a limit that stops: raised, lowered, other plans, late events, a void; receipts as a bank’s."""

import json
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.scenarios.customer import Customer, Sent
from tests.scenarios.product import Product
from tests.scenarios.reckoning import amounts, check_sums

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("scenarios")]

RECEIPTS = """
import json
from accounts.models import Account
from accounts.scope import installation_scope
from billing.limits.queries import firings, receipt_of
from portal.pages.receipts import shown
with installation_scope():
    account = Account.objects.get(code="receipts")
    rows = []
    for firing in reversed(firings(account)):
        found, page = receipt_of(firing), shown(account, receipt_of(firing))
        rows.append({
            "crossed": firing.stop.crossed_at and firing.stop.crossed_at.isoformat(),
            "enforced": firing.enforced_at and firing.enforced_at.isoformat(),
            "refused": firing.refused,
            "resumed": firing.resumed and str(firing.resumed.cause),
            "money": [str(one) for one in (found.usage, found.waived_before, found.waived, found.payable)],
            "facts": {fact.name: fact.text for fact in page.facts},
            "invoice": page.invoice,
        })
    print(json.dumps(rows))
"""


def test_receipts(product: Product) -> None:
    customer = Customer(product, "receipts", "Europe/Paris")
    starts = [customer.local(date(2023, month, 1)) for month in (9, 10, 11, 12)]
    product.leap(starts[0])
    customer.open().subscribe("metered", starts[0])

    # September: 0.10 a token up to 100, 0.05 beyond. Stop at 8.00, raised to 12.00, lowered to 6.00.
    limit(customer, "8.00")
    crossing = use(customer, date(2023, 9, 5), 90)  # 9.00: 1.00 over
    refuse(customer, 3)
    wait_for(product, 1)
    day(customer, date(2023, 9, 10))
    limit(customer, "12.00")
    use(customer, date(2023, 9, 11), 60)  # 1.00 + 2.50: 12.50
    refuse(customer, 2)
    wait_for(product, 2)
    day(customer, date(2023, 9, 20))
    limit(customer, "6.00")
    use(customer, date(2023, 9, 21), 20)  # 1.00 more, waived
    september = customer.close(starts[1])
    first, second, third = receipts(product)
    assert money(first) == ["9.00", "0.00", "1.00", "8.00"]
    assert first["facts"]["Limit"] == "€8.00, account"
    assert abs(instant(first["crossed"]) - crossing) < timedelta(seconds=5)
    assert (first["refused"], first["resumed"], first["facts"]["By"]) == (
        3,
        "raised",
        "API, limit raised to €12.00",
    )
    assert (
        instant(first["crossed"])
        <= instant(first["enforced"])
        <= instant(first["crossed"]) + timedelta(seconds=5)
    )
    assert money(second) == ["12.50", "1.00", "0.00", "11.50"]
    assert money(third) == ["13.50", "1.00", "1.00", "11.50"]
    assert (third["resumed"], third["facts"]["By"]) == ("period", "new period")
    assert third["facts"]["Overrun, waived"] == "−€1.00"
    assert sum(waived(one) for one in (first, second, third)) == 2
    assert sum(amounts(september, "limit_waiver")) == -2
    assert first["invoice"] == september["number"]

    # October: another plan in the middle; an event that comes late and is taken back again.
    use(customer, date(2023, 10, 4), 50)  # 5.00 of 6.00
    day(customer, date(2023, 10, 12))
    customer.change("team", when="now")
    use(customer, date(2023, 10, 13), 1450)  # 500 beyond the thousand that are free there: 1.50 more
    refuse(customer, 1)
    wait_for(product, 4)
    before = receipts(product)[3]
    day(customer, date(2023, 10, 20))
    late = Sent("late-1", "call", customer.local(date(2023, 10, 2), 9), tokens(10))
    customer.deliver([late])
    assert money(receipts(product)[3]) == ["7.53", "0.00", "1.53", "6.00"], (
        "late usage is over the limit as well"
    )
    customer.deliver([replace(late, revision=1, voided=True)])
    assert receipts(product)[3]["money"] == before["money"], "taken back: as if it had never come"
    october = customer.close(starts[2])
    fourth = receipts(product)[3]
    assert (fourth["refused"], fourth["resumed"]) == (1, "period")
    assert money(fourth) == ["6.50", "0.00", "0.50", "6.00"], "the limit, to the cent"
    assert -sum(amounts(october, "limit_waiver")) == waived(fourth)

    # November: nothing is reached, and nothing of it has a receipt.
    use(customer, date(2023, 11, 5), 1)
    november = customer.close(starts[3])
    assert not amounts(november, "limit_waiver")
    assert len(receipts(product)) == 4
    for invoice in customer.invoices():
        check_sums(invoice)
    assert "every amount follows" in product.command("verify")


def day(customer: Customer, at: date) -> None:
    customer.product.leap(customer.local(at, 12))


def use(customer: Customer, at: date, many: int) -> datetime:
    """`many` tokens at noon of that day; when they were sent."""
    day(customer, at)
    now: datetime = customer.product.clock.now()
    customer.send("call", [(now, tokens(many))])
    return now


def refuse(customer: Customer, times: int) -> None:
    for _ in range(times):
        answer = customer.product.call("GET", f"/accounts/{customer.code}/allowance")
        assert answer["allowed"] is False


def limit(customer: Customer, amount: str) -> None:
    body = {"amount": amount, "action": "stop", "thresholds": [100]}
    customer.product.call("PUT", f"/accounts/{customer.code}/limit", body)


def receipts(product: Product) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(product.command("shell", "-v0", "-c", RECEIPTS).splitlines()[-1])
    return found


def wait_for(product: Product, count: int) -> None:
    """Until the worker has recorded and timed so many stops."""
    for _ in range(20):
        found = receipts(product)
        if len(found) == count and found[-1]["crossed"]:
            return
    raise AssertionError(found)


def money(found: dict[str, Any]) -> list[str]:
    return [f"{Decimal(one):.2f}" for one in found["money"]]


def waived(found: dict[str, Any]) -> Decimal:
    return Decimal(found["money"][2])


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def tokens(many: int) -> dict[str, object]:
    return {"tokens": many, "model": "m", "person": "p"}
