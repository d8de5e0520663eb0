"""Usage set aside before it happens: at the limit to the cent, priced at its dearest, ended once."""

import json
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
import time_machine
from django.utils import timezone

from accounts.models import Account
from billing.limits.actions import Ask, NotStored, Refused, commit, give_back, make_ask, reserve, set_limit
from billing.limits.errors import LimitError
from billing.limits.models import Reservation
from billing.limits.queries import allowance
from billing.usage.ingest import Incoming, Result, read_events
from billing.usage.models import Event
from tests.limits.world import customer, meter_of, use

pytestmark = pytest.mark.usefixtures("db")


def ask(quantity: str | int, meter: str = "tokens", ttl: int = 60, **dimensions: str) -> Ask:
    return make_ask(meter_of(meter), Decimal(quantity), dimensions, ttl)


def set_aside(account: Account, quantity: str | int, meter: str = "tokens", **dimensions: str) -> Any:
    return reserve(account, [ask(quantity, meter, **dimensions)])[0]


def granted(account: Account, quantity: str | int, meter: str = "tokens", **dimensions: str) -> Reservation:
    found = set_aside(account, quantity, meter, **dimensions)
    assert isinstance(found, Reservation), found
    return found


def refused(account: Account, quantity: str | int, meter: str = "tokens", **dimensions: str) -> Refused:
    found = set_aside(account, quantity, meter, **dimensions)
    assert isinstance(found, Refused), found
    return found


def event(account: Account, event_id: str | None = None, **data: Any) -> Incoming:
    fields = {name: data.pop(name) for name in ("time", "type", "voided", "revision") if name in data}
    body = {
        "specversion": "1.0",
        "id": event_id or str(uuid4()),
        "source": "test",
        "type": "used",
        "subject": account.code,
        "data": {"model": "small", **data},
        **fields,
    }
    found, rejected = read_events(json.dumps(body).encode(), "application/json")
    assert not rejected
    return found[0]


def use_it(account: Account, kept: Reservation | UUID, **data: Any) -> Result:
    pk = kept.pk if isinstance(kept, Reservation) else kept
    return commit(account, pk, event(account, **data))


def spent(account: Account) -> Decimal:
    return allowance(account, at=timezone.now()).spent


def test_what_is_set_aside_counts_until_it_is_used_or_given_back() -> None:
    account = customer()
    set_limit(account, "10", "stop")
    use(account, tokens=3)
    first = granted(account, 4)
    assert spent(account) == 7
    second = granted(account, 3)
    assert refused(account, "0.01").limit.meter is None
    assert not allowance(account, at=timezone.now()).allowed, "all of it is spoken for"
    give_back(account, second.pk)
    assert spent(account) == 7
    assert use_it(account, first, tokens=2).accepted == 1
    assert spent(account) == 5
    assert isinstance(granted(account, 5), Reservation)


def test_the_same_commit_again_is_a_duplicate_and_another_a_conflict() -> None:
    account = customer()
    kept = granted(account, 4)
    sent = event(account, tokens=4)
    assert commit(account, kept.pk, sent).accepted == 1
    assert commit(account, kept.pk, sent).duplicates == 1
    Reservation.objects.update(expires_at=timezone.now())
    assert commit(account, kept.pk, sent).duplicates == 1, "an answer may get lost for long"
    with pytest.raises(LimitError) as caught:
        use_it(account, kept, tokens=4)
    assert (caught.value.code, caught.value.kind) == ("already_committed", "conflict")
    with pytest.raises(LimitError, match="voided"):
        give_back(account, kept.pk)
    assert spent(account) == 4


@pytest.mark.parametrize("how", ["expired", "given back"])
def test_what_has_ended_is_gone(how: str) -> None:
    account = customer()
    kept = granted(account, 4)
    if how == "expired":
        Reservation.objects.update(expires_at=timezone.now())
    else:
        give_back(account, kept.pk)
    give_back(account, kept.pk)
    with pytest.raises(LimitError) as caught:
        use_it(account, kept, tokens=4)
    assert caught.value.code == "gone"
    assert not Event.objects.exists()
    assert spent(account) == 0


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"tokens": "4.01"}, "data/tokens"),
        ({"tokens": -1}, "data/tokens"),
        ({"bytes": 1}, "data/tokens"),
        ({"tokens": 4, "model": "large"}, "data/model"),
        ({"tokens": 4, "type": "called"}, "type"),
        ({"tokens": 4, "time": "2020-01-01T00:00:00Z"}, "time"),
        ({"tokens": 4, "voided": True}, "revision"),
        ({"tokens": 4, "revision": 1}, "revision"),
    ],
)
def test_an_event_that_does_not_fit_is_refused_and_stores_nothing(data: dict[str, Any], field: str) -> None:
    account = customer()
    kept = granted(account, 4, model="small")
    with pytest.raises(LimitError) as caught:
        use_it(account, kept, **data)
    assert (caught.value.code, caught.value.field) == ("exceeds_reservation", field)
    assert not Event.objects.exists()
    assert use_it(account, kept, tokens=4).accepted == 1, "it is still open"


def test_intakes_own_refusals_leave_it_open() -> None:
    account = customer()
    kept = granted(account, 4)
    wrong = event(account, tokens=4)
    wrong.subject = "somebody"
    with pytest.raises(NotStored) as caught:
        commit(account, kept.pk, wrong)
    assert [one.code for one in caught.value.result.rejected] == ["invalid_attribute"]
    assert use_it(account, kept, tokens=4).accepted == 1


def test_usage_of_other_meters_is_stored_only_where_the_limit_has_room() -> None:
    account = customer()
    set_limit(account, "10", "stop")
    kept, other = granted(account, 4), granted(account, 4)
    with pytest.raises(LimitError, match="more than what was set aside"):
        use_it(account, kept, tokens=4, bytes=2)
    assert use_it(account, kept, tokens=4, bytes=1).accepted == 1, "4 + 2, and 4 are still set aside"
    assert spent(account) == 10
    assert use_it(account, other, tokens=4).accepted == 1


def test_dearest_charge_and_what_it_leaves() -> None:
    account = customer("models")
    set_limit(account, "25", "stop")
    kept = granted(account, 3)
    assert spent(account) == 15, "it may be the large model"
    assert use_it(account, kept, tokens=3).accepted == 1, "it was the small one"
    assert spent(account) == 3
    assert granted(account, 22, model="small").charges == {"small": "22"}
    assert refused(account, 1, model="large").limit.amount == 25
    assert granted(account, 1000, model="unpriced").charges == {}


def test_tiers_packages_and_included_units_are_priced_together() -> None:
    account = customer("package")
    set_limit(account, "6", "stop")
    assert [granted(account, 5).pk for _ in range(4)], "two packages of ten"
    refused(account, 1)
    other = customer("graduated", code="other")
    set_limit(other, "4", "stop")
    granted(other, 8)
    granted(other, 4)
    refused(other, 1)


def test_a_meters_limit_and_the_accounts() -> None:
    account = customer()
    set_limit(account, "100", "stop")
    set_limit(account, "10", "stop", meter=meter_of("tokens"))
    granted(account, 10)
    found = refused(account, 1)
    assert (found.limit.meter, found.limit.amount) == ("tokens", 10)
    assert found.resets_at
    granted(account, 45, meter="bytes")
    assert refused(account, 1, meter="bytes").limit.meter is None


def test_many_at_once_are_as_one_by_one() -> None:
    account = customer()
    set_limit(account, "10", "stop")
    found = reserve(account, [ask(n) for n in (4, 5, 3, 2, 1, 1)])
    assert [isinstance(one, Reservation) for one in found] == [True, True, False, False, True, False]
    assert spent(account) == 10


def test_no_limit_and_one_that_tells_refuse_nothing() -> None:
    account = customer()
    granted(account, 1000)
    set_limit(account, "10", "notify")
    granted(account, 1000)


def test_without_a_period_there_is_nothing_to_reserve() -> None:
    from tests.factories import make_account

    account = make_account("nobody")
    customer()
    found = set_aside(account, 1)
    assert isinstance(found, LimitError)
    assert (found.code, found.kind) == ("no_period", "conflict")


def test_raw_events_may_overshoot_and_reservations_then_refuse() -> None:
    account = customer()
    set_limit(account, "10", "stop")
    kept = granted(account, 6)
    use(account, tokens=8)
    refused(account, "0.01")
    assert use_it(account, kept, tokens=6).accepted == 1, "it was promised"
    assert spent(account) == 14


def test_a_limit_lowered_meanwhile_is_kept() -> None:
    account = customer()
    set_limit(account, "10", "stop")
    kept, other = granted(account, 6), granted(account, 4)
    set_limit(account, "5", "stop")
    with pytest.raises(LimitError, match="pass a limit"):
        use_it(account, kept, tokens=6)
    give_back(account, kept.pk)
    assert use_it(account, other, tokens=4).accepted == 1
    set_limit(account, "50", "stop")
    third = granted(account, 46)
    set_limit(account, "60", "stop")
    assert use_it(account, third, tokens=46).accepted == 1, "raised: no harm"


def test_a_reservation_belongs_to_its_period() -> None:
    account = customer()
    set_limit(account, "10", "stop")
    resets_at = allowance(account, at=timezone.now()).resets_at
    assert resets_at
    kept = granted(account, 10)
    with time_machine.travel(resets_at, tick=False):
        assert spent(account) == 0, "the next period begins with nothing"
        granted(account, 10)
    assert use_it(account, kept, tokens=10).accepted == 1


@pytest.mark.parametrize(
    ("meter", "quantity", "dimensions", "ttl", "field"),
    [
        ("tokens", "0", {}, 60, "quantity"),
        ("tokens", "-1", {}, 60, "quantity"),
        ("tokens", "1", {"colour": "red"}, 60, "dimensions"),
        ("tokens", "1", {}, 0, "ttl_seconds"),
        ("tokens", "1", {}, 86_401, "ttl_seconds"),
    ],
)
def test_asks_that_make_no_sense(
    meter: str, quantity: str, dimensions: dict[str, str], ttl: int, field: str
) -> None:
    customer()
    with pytest.raises(LimitError) as caught:
        make_ask(meter_of(meter), Decimal(quantity), dimensions, ttl)
    assert caught.value.field == field
