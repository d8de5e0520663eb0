"""One alert for each threshold, period and version: exactly once, also with many workers."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import Account
from accounts.scope import account_scope, installation_scope
from billing.limits.actions import raise_alerts, set_limit
from billing.limits.models import Alert
from tests.factories import make_account
from tests.limits.world import customer, meter_of, use
from tests.patience import PATIENCE


def told(account: Account) -> list[int]:
    return [alert.threshold for alert in raise_alerts(account, timezone.now())]


@pytest.mark.usefixtures("db")
class TestOneAtATime:
    def test_each_threshold_once(self) -> None:
        account = customer()
        set_limit(account, "100", "stop")
        use(account, tokens=49)
        assert told(account) == []
        use(account, tokens=1)
        assert told(account) == [50], "reached, to the cent"
        assert told(account) == []
        use(account, tokens=60)
        assert told(account) == [80, 100]
        assert told(account) == []
        assert set(Alert.objects.values_list("threshold", "spent")) == {(50, 50), (80, 110), (100, 110)}

    def test_without_a_limit_thresholds_or_usage_there_is_nothing_to_tell(self) -> None:
        account = customer()
        use(account, tokens=50)
        assert told(account) == []
        set_limit(account, "10", "stop", [])
        assert told(account) == []
        set_limit(account, None, "stop", [50])
        assert told(account) == []
        assert told(make_account("other")) == []

    def test_a_limit_of_zero_tells_at_the_first_cent(self) -> None:
        account = customer()
        set_limit(account, "0", "stop", [100])
        assert told(account) == []
        use(account, tokens=1)
        assert told(account) == [100]

    def test_raising_arms_the_higher_ones(self) -> None:
        account = customer()
        set_limit(account, "100", "stop", [50, 100])
        use(account, tokens=100)
        assert told(account) == [50, 100]
        set_limit(account, "150", "stop", [50, 80, 100])  # 75, 120, 150
        assert told(account) == [], "75 lies below what was told"
        use(account, tokens=20)
        assert told(account) == [80]
        use(account, tokens=30)
        assert told(account) == [100]

    def test_lowering_never_tells_again(self) -> None:
        account = customer()
        set_limit(account, "100", "notify", [50, 80, 100])
        use(account, tokens=85)
        assert told(account) == [50, 80]
        set_limit(account, "90", "notify", [50, 80, 90, 100])  # 45, 72, 81, 90
        assert told(account) == []
        set_limit(account, "90", "stop", [50, 80, 90, 100])
        assert told(account) == []
        use(account, tokens=5)
        assert told(account) == [100]

    def test_a_new_period_tells_anew(self) -> None:
        account = customer(days=45)
        before = timezone.now() - timedelta(days=40)
        set_limit(account, "100", "stop", [50], at=before)
        use(account, tokens=60, at=before)
        assert [alert.threshold for alert in raise_alerts(account, before)] == [50]
        assert told(account) == []
        use(account, tokens=70)
        assert told(account) == [50]

    def test_limits_of_meters_tell_for_themselves(self) -> None:
        account = customer()
        set_limit(account, "1000", "stop", [50])
        set_limit(account, "10", "stop", [50, 100], meter=meter_of("tokens"))
        use(account, bytes=50)
        assert told(account) == []
        use(account, tokens=5)
        alerts = raise_alerts(account, timezone.now())
        assert [(alert.threshold, alert.spent, alert.limit.meter) for alert in alerts] == [
            (50, 5, meter_of("tokens"))
        ]


def test_many_workers_raise_each_alert_once(committed: str) -> None:
    with installation_scope():
        account = customer()
        set_limit(account, "100", "stop", [10, 20, 30, 40, 50, 60, 70, 80, 90, 100])
    workers, rounds = 6, 10
    barrier = Barrier(workers)

    def work(number: int) -> list[int]:
        found = []
        try:
            for _ in range(rounds):
                barrier.wait(timeout=PATIENCE)
                if number == 0:
                    with account_scope(account.pk):
                        use(account, tokens=10)
                barrier.wait(timeout=PATIENCE)
                with account_scope(account.pk):
                    found += told(account)
            return found
        finally:
            connection.close()

    with ThreadPoolExecutor(workers) as pool:
        found = [threshold for part in pool.map(work, range(workers)) for threshold in part]
    assert sorted(found) == [10, 20, 30, 40, 50, 60, 70, 80, 90, 100]
    with installation_scope():
        assert Alert.objects.count() == 10
