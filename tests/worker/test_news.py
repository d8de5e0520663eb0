"""Who is checked when usage is told: accounts with a limit only, and for ever."""

import asyncio
from collections.abc import Iterable

import pytest

from portal.worker import alerts


def test_only_accounts_with_limits_are_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alerts, "PAUSE_SECONDS", 0.0)
    checked, asked = list[int](), list[set[int]]()

    async def limited(accounts: set[int]) -> Iterable[int]:
        asked.append(accounts)
        if len(asked) == 1:
            raise OSError("the database is away")
        return accounts & {2, 5}

    async def check(account: int) -> None:
        checked.append(account)

    async def work() -> None:
        news = alerts.News()
        watching = asyncio.create_task(alerts.watch(news, limited, check))
        for accounts in ([1, 2], [1, 2, 3, 5], [3]):
            news.add(accounts)
            await asyncio.sleep(0.05)
        watching.cancel()

    asyncio.run(work())
    assert asked == [{1, 2}, {1, 2, 3, 5}, {3}]
    assert checked == [2, 5]
