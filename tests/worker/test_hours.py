"""The nightly count of hours: account by account, each in a scope of its own."""

from datetime import timedelta

from accounts.scope import account_scope, installation_scope
from billing.usage.hours import day_hours
from billing.usage.models import DayHours
from portal.worker.jobs import count_hours
from tests.usage.given import NOW, event, given_account, send


def test_each_account_is_counted_and_sees_its_own_alone(committed: str) -> None:
    yesterday = NOW - timedelta(days=1)
    with installation_scope():
        accounts = [given_account(code, plan=code) for code in ("acme", "brume")]
        send(*(event(subject=account.code, time=yesterday.isoformat()) for account in accounts))
    count_hours()
    for account in accounts:
        with account_scope(account.pk):
            assert [row.account_id for row in DayHours.objects.all()] == [account.pk]
            ((day, hours),) = day_hours(account.pk)
            assert (day, hours[yesterday.hour]) == (yesterday.date(), 1_000_000)
    assert DayHours.objects.count() == 0
