"""64 callers at once, over HTTP: what is set aside never passes the limit, and no grant is lost at a crash."""

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.server.running import Demo, free_port
from tests.server.selling import event, sell

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("server")]
CALLERS = 64
CENT = Decimal("0.01")


def limited(demo: Demo, amount: str) -> str:
    """An account that stops at `amount`; a unit costs a cent."""
    account = f"reserving-{uuid4().hex[:6]}"
    with demo.client() as api:
        sell(api, account)
        answer = api.put(f"/accounts/{account}/limit", json={"amount": amount, "action": "stop"})
        assert answer.status_code == 200, answer.text
    return account


def at_once[Result](demo: Demo, work: Callable[[httpx.Client, int], Result]) -> list[Result]:
    """`work` of 64 callers, each with a connection of its own, which begin together."""
    begun = threading.Barrier(CALLERS)

    def call(number: int) -> Result:
        with demo.client("ingest") as api:
            api.get("/accounts/nobody/allowance")  # connected
            begun.wait(60)
            return work(api, number)

    with ThreadPoolExecutor(CALLERS) as pool:
        return list(pool.map(call, range(CALLERS)))


def reserve(api: httpx.Client, account: str, units: int, **more: Any) -> httpx.Response:
    body = {"meter": "units", "quantity": str(units), "ttl_seconds": 600, **more}
    return api.post(f"/accounts/{account}/reservations", json=body)


def commit(api: httpx.Client, account: str, id_: str, units: int) -> httpx.Response:
    sent = event(account, f"of-{id_}", data={"units": units})
    return api.post(f"/reservations/{id_}/commit", json=sent)


def spent(demo: Demo, account: str) -> Decimal:
    with demo.client("read") as api:
        return Decimal(api.get(f"/accounts/{account}/allowance").json()["spent"])


def invoiced(demo: Demo, account: str) -> list[tuple[str, str]]:
    """(kind, amount) of the lines of the running period, as they would be invoiced."""
    with demo.client("read") as api:
        lines = api.get(f"/accounts/{account}/spend").json()["lines"]
    return [(line["kind"], line["amount"]) for line in lines if line["kind"] in ("usage", "limit_waiver")]


def test_the_sum_is_the_limit_to_the_cent(demo: Demo) -> None:
    account = limited(demo, "40.00")
    answers = at_once(demo, lambda api, _: reserve(api, account, 100))
    granted = [one.json()["id"] for one in answers if one.status_code == 201]
    refused = [one for one in answers if one.status_code == 429]
    assert (len(granted), len(refused)) == (40, 24), {one.text for one in answers}
    problem = refused[0].json()
    assert refused[0].headers["Content-Type"] == "application/problem+json"
    assert (problem["code"], problem["scope"]) == ("limit_reached", "account")
    assert int(refused[0].headers["Retry-After"]) > 0
    assert problem["resets_at"].endswith("Z")
    assert problem["raise_url"].endswith("/billing/limits/")
    assert problem["limit_id"]
    assert spent(demo, account) == 40
    waiting = list(granted)

    def use(api: httpx.Client, _: int) -> int:
        try:
            return commit(api, account, waiting.pop(), 100).status_code
        except IndexError:
            return reserve(api, account, 1).status_code

    assert sorted(at_once(demo, use)) == [200] * 40 + [429] * 24
    assert invoiced(demo, account) == [("usage", "40.00")]


def test_whatever_64_callers_do_nothing_is_waived(demo: Demo) -> None:
    """Reserve, use all or a part, give back, or leave it open: the spend stays within the limit at each step."""
    account = limited(demo, "60.00")

    def act(api: httpx.Client, number: int) -> list[int]:
        draw, used = random.Random(number), []
        for _ in range(4):
            units = draw.randint(1, 300)
            answer = reserve(api, account, units)
            if answer.status_code == 429:
                continue
            id_ = answer.json()["id"]
            match draw.choice(["all", "part", "back", "leave", "twice"]):
                case "back":
                    assert api.delete(f"/reservations/{id_}").status_code == 204
                case "leave":
                    pass
                case how:
                    units = units if how == "all" else draw.randint(1, units)
                    for _ in range(2 if how == "twice" else 1):
                        answer = commit(api, account, id_, units)
                        assert answer.status_code == 200, answer.text
                    used.append(units)
            assert spent(demo, account) <= 60
        return used

    used = sum(units for found in at_once(demo, act) for units in found)
    assert used > 0
    assert invoiced(demo, account) == [("usage", f"{used * CENT:.2f}")], "no waiver"


def test_an_idempotency_key_grants_once(demo: Demo) -> None:
    account = limited(demo, "5.00")
    with demo.client("ingest") as api:
        for _ in range(2):
            answers = [
                api.post(
                    f"/accounts/{account}/reservations",
                    json={"meter": "units", "quantity": "300"},
                    headers={"Idempotency-Key": key},
                )
                for key in ("one", "one", "two")
            ]
            assert [one.status_code for one in answers] == [201, 201, 429]
        assert answers[0].json() == answers[1].json()


def test_a_kill_between_reserve_and_commit_loses_no_grant(tmp_path: Path) -> None:
    demo = Demo(tmp_path / "data", free_port()).start()
    granted = list[str]()
    try:
        account = limited(demo, "1000.00")
        enough = threading.Event()

        def keep_on(api: httpx.Client, _: int) -> None:
            try:
                while True:
                    answer = reserve(api, account, 7)
                    if answer.status_code == 201:
                        granted.append(answer.json()["id"])
                        if len(granted) > 3 * CALLERS:
                            enough.set()
            except httpx.TransportError:
                return

        killer = threading.Thread(target=lambda: (enough.wait(60), demo.kill()))
        killer.start()
        at_once(demo, keep_on)
        killer.join()
        demo.start()
        least, most = len(granted) * 7 * CENT, (len(granted) + CALLERS) * 7 * CENT
        assert least <= spent(demo, account) <= most, "each answered grant, and those on their way"
        with demo.client("ingest") as api:
            for id_ in granted:
                assert commit(api, account, id_, 7).json()["accepted"] == 1
        assert invoiced(demo, account) == [("usage", f"{least:.2f}")]
    finally:
        demo.stop()
