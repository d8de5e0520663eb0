"""Refusals are counted: each one, the first and the last, by many callers at once and without waiting for the disk."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from django.db import connection
from django.db.models import Max, Min, Sum
from django.utils import timezone

from accounts.scope import account_scope, installation_scope
from billing.limits.actions import note_refusal, set_limit
from billing.limits.models import Refusal
from billing.plans.queries import period_at
from tests.limits.world import customer


def test_every_refusal_counts_with_many_callers(committed: str) -> None:
    with installation_scope():
        account = customer()
        limit = set_limit(account, "1", "stop")
        other = set_limit(account, "2", "stop")
        period = period_at(account, timezone.now())
    assert limit
    assert other
    assert period
    began, callers, each = timezone.now(), 8, 25

    def call(caller: int) -> None:
        try:
            for number in range(each):
                with account_scope(account.pk):
                    note_refusal(limit, period, began + timedelta(seconds=caller * each + number))
        finally:
            connection.close()

    with ThreadPoolExecutor(callers) as pool:
        list(pool.map(call, range(callers)))
    with account_scope(account.pk):
        note_refusal(other, period, began, requests=3)
        found = Refusal.objects.filter(limit=limit).aggregate(
            all=Sum("requests"), first=Min("first_at"), last=Max("last_at")
        )
        assert found == {
            "all": callers * each,
            "first": began,
            "last": began + timedelta(seconds=callers * each - 1),
        }
        assert Refusal.objects.get(limit=other).requests == 3


def test_the_commit_of_a_refusal_does_not_wait_and_the_next_one_does(committed: str) -> None:
    with installation_scope():
        account = customer()
        limit = set_limit(account, "1", "stop")
        period = period_at(account, timezone.now())
    assert limit
    assert period

    def waits() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SHOW synchronous_commit")
            return str(cursor.fetchone()[0])

    with account_scope(account.pk):
        note_refusal(limit, period, timezone.now())
        assert waits() == "off"
    with account_scope(account.pk):
        assert waits() == "on"
