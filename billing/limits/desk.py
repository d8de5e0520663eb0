"""Where callers that want to reserve meet: those of one account that come while one transaction runs share the next.

A commit waits for the disk, and only one at a time may decide for an account. So whoever comes first does it for all
who wait (group commit); nobody waits when nobody is there. Other processes are kept apart by the database's lock.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from django.db import connection

from accounts.models import Account
from accounts.scope import account_scope
from billing.limits.actions.reserving import Ask, Outcome, reserve

MOST: int = 500
"""Callers of one transaction."""


@dataclass(slots=True)
class _Caller:
    ask: Ask
    woken: threading.Event = field(default_factory=threading.Event)
    outcome: Outcome | BaseException | None = None


@dataclass
class Desk:
    """`work` decides for one account, in one transaction of its own."""

    work: Callable[[Account, Sequence[Ask]], list[Outcome]]
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _waiting: dict[int, list[_Caller]] = field(default_factory=dict)

    def reserve(self, account: Account, ask: Ask) -> Outcome:
        """The outcome, durable. Call it outside of any transaction; raises what `work` raises."""
        me = _Caller(ask)
        with self._lock:
            queue = self._waiting.get(account.pk)
            if queue is None:
                self._waiting[account.pk] = []
                group = [me]
            else:
                queue.append(me)
        if queue is not None:
            connection.close()  # who only waits needs none
            me.woken.wait()
            group = self._take(account.pk) if me.outcome is None else []
        if group:
            self._lead(account, group)
        if isinstance(me.outcome, BaseException):
            raise me.outcome
        assert me.outcome is not None  # noqa: S101  (whoever is woken without one has just led)
        return me.outcome

    def _take(self, account_id: int) -> list[_Caller]:
        with self._lock:
            queue = self._waiting[account_id]
            group, self._waiting[account_id] = queue[:MOST], queue[MOST:]
            return group

    def _lead(self, account: Account, group: list[_Caller]) -> None:
        """Decide for the group; then let the first of those who came meanwhile lead the next one."""
        try:
            outcomes: Sequence[Outcome | BaseException] = self.work(account, [each.ask for each in group])
        except BaseException as error:  # each caller is told
            outcomes = [error] * len(group)
        for each, outcome in zip(group, outcomes, strict=True):
            each.outcome = outcome
        with self._lock:
            next_one = next(iter(self._waiting[account.pk]), None)
            if next_one is None:
                del self._waiting[account.pk]
        for each in [*group, *([next_one] if next_one else [])]:
            each.woken.set()


def _in_own_scope(account: Account, asks: Sequence[Ask]) -> list[Outcome]:
    with account_scope(account.pk):
        return reserve(account, asks)


desk = Desk(_in_own_scope)
