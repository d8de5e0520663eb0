"""The invoices of accounts that were used up, against what was acknowledged and the limits that held."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import httpx

from tests.harness.holding.goods import ZERO
from tests.harness.holding.rounds import Round
from tests.server.running import Demo


def close(product: Demo, api: httpx.Client, rounds: Sequence[Round], ahead: bool = True) -> list[str]:
    """Invoice all of them; what `verify` says against it.

    Every third subscription is cancelled now, which invoices at once; the others' period is billed ahead of its end.
    Without `ahead` all are cancelled.
    """
    waiting = []
    for number, each in enumerate(rounds):
        subscription = api.get(f"/accounts/{each.account}/subscriptions").json()["results"][0]
        if ahead and number % 3:
            waiting.append(subscription["period"]["end"])
        else:
            answer = api.delete(f"/subscriptions/{subscription['id']}?when=now")
            assert answer.status_code == 200, answer.text
    if waiting:
        product.command("bill", "--allow-future", "--as-of", max(waiting))
    return _verify(product) if ahead else []


def differences(api: httpx.Client, found: Round) -> list[str]:
    """Where the invoice says other than the contract's arithmetic, in words; nothing, if it does not."""
    issued = api.get(f"/accounts/{found.account}/invoices").json()["results"]
    if len(issued) != 1:
        return [f"{found.account}: {len(issued)} invoices"]
    usage, waived = _sum(issued[0], "usage"), -_sum(issued[0], "limit_waiver")
    wrong = [] if usage == found.usage else [f"usage {usage}, and the events say {found.usage}"]
    if waived != found.usage - found.payable:
        wrong.append(f"waived {waived}, and {found.usage - found.payable} was beyond the limit")
    return [f"{found.account}, {issued[0]['number']}: {one}" for one in wrong]


def beyond(api: httpx.Client, found: Round) -> Decimal:
    """How far payable usage passes the limit on the invoices."""
    issued = api.get(f"/accounts/{found.account}/invoices").json()["results"]
    payable = sum((_sum(one, "usage") + _sum(one, "limit_waiver") for one in issued), ZERO)
    return max(ZERO, payable - found.limit)


def _sum(invoice: dict[str, Any], kind: str) -> Decimal:
    return sum((Decimal(line["amount"]) for line in invoice["lines"] if line["kind"] == kind), ZERO)


def _verify(product: Demo) -> list[str]:
    done = product.popen("verify")
    out, err = done.communicate(timeout=600)
    return [] if done.returncode == 0 else (out + err).splitlines()
