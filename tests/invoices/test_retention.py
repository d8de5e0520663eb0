"""Raw events go once no term asks for them; what they counted, and that they counted, stays known for ever."""

import io
import json
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import call_command
from django.db import ProgrammingError, connection, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Account
from accounts.scope import account_scope, installation_scope
from billing.invoices import retention
from billing.invoices.drafts.late import late_lines
from billing.invoices.drafts.lines import Taxes
from billing.plans.actions import load_catalog
from billing.plans.models import Period
from billing.usage import retention as purging
from billing.usage.ingest import Result, ingest
from billing.usage.intake.purged import content_hash
from billing.usage.intake.revisions import by_value
from billing.usage.models import DayTotal, Event, PurgedEvent, QuarantinedEvent, RollupShape
from billing.usage.rebuild import rebuild
from tests.invoices import world

NOW = timezone.now()
BEGIN = datetime(NOW.year - 2, 1, 1, tzinfo=UTC)
OLD = BEGIN + timedelta(days=3)
LATER = BEGIN + timedelta(days=40)
FRESH = NOW - timedelta(hours=2)


@pytest.fixture(autouse=True)
def _terms(settings: Any) -> None:
    settings.EVENT_RETENTION_DAYS, settings.INVOICE_EVENTS_YEARS = 400, 10


@pytest.fixture
def account(committed: str) -> Account:
    """An account that used something in its first two months, and today; nothing of it was charged."""
    with installation_scope():
        load_catalog({"catalog": 1, "meters": LEVELS})
        world.load(world.plan("nothing", base_price="0"))
        account = world.customer()
        world.on_plan(account, "nothing", BEGIN)
    world.send(_events(account))
    return account


LEVELS = [
    {
        "code": "seats",
        "name": "Seats",
        "unit": "seat",
        "event_type": "seats",
        "aggregation": "time_weighted",
        "value": "seats",
    }
]


def _events(account: Account) -> list[dict[str, Any]]:
    old = [
        world.event(account, OLD + timedelta(hours=n), id_=f"o{n}", output_tokens=n, model="m")
        for n in range(50)
    ]
    kept = [world.event(account, LATER, id_="later", output_tokens=5)]
    levels = [world.event(account, OLD, "seats", id_="level", seats=7)]
    return [*old, *kept, *levels, world.event(account, FRESH, id_="fresh", output_tokens=3)]


def purge(**options: Any) -> tuple[int, int]:
    out = io.StringIO()
    call_command("purge_usage", stdout=out, **options)
    found = json.loads(out.getvalue())
    assert found["dry_run"] == options.get("dry_run", False)
    return found["events"], found["quarantined"]


def kept(account: Account) -> set[str]:
    with account_scope(account.pk):
        return set(Event.objects.filter(account=account).values_list("event_id", flat=True))


def day_totals(account: Account) -> Sequence[Any]:
    with account_scope(account.pk):
        return sorted(
            DayTotal.objects.filter(account=account).values_list("meter__code", "day", "events", "total")
        )


def send(*events: dict[str, Any]) -> Result:
    return ingest(json.dumps(events).encode(), "application/json")


def test_nothing_goes_before_its_period_is_closed(account: Account) -> None:
    assert purge() == (0, 0)
    assert len(kept(account)) == 53


def test_events_that_no_invoice_rests_on_go_and_their_totals_stay(account: Account) -> None:
    world.bill(account, NOW)
    before = day_totals(account)
    assert purge(dry_run=True) == (51, 0)
    assert len(kept(account)) == 53
    assert purge(account="acme") == (51, 0)
    assert kept(account) == {"level", "fresh"}
    assert purge() == (0, 0)
    assert day_totals(account) == before
    assert rebuild(check=True) == []
    rebuild()
    assert day_totals(account) == before
    out = io.StringIO()
    call_command("rebuild_usage", check=True, stdout=out)
    assert "could not be counted again" in out.getvalue()


def test_distinct_values_go_with_the_events_that_said_them(committed: str) -> None:
    names = {**LEVELS[0], "code": "names", "event_type": "login", "aggregation": "unique", "value": "name"}
    with installation_scope():
        load_catalog({"catalog": 1, "meters": [*LEVELS, names]})
        world.load(world.plan("nothing", base_price="0"))
        account = world.customer()
        world.on_plan(account, "nothing", BEGIN)
    for at, id_, name in ((OLD, "1", "ann"), (OLD, "2", "bob"), (OLD, "3", "bob"), (FRESH, "4", "cyd")):
        world.send([world.event(account, at, "login", id_=id_, name=name)])
    world.bill(account, NOW)
    assert purge() == (3, 0)
    with account_scope(account.pk):
        rows = DayTotal.objects.filter(account=account, meter__code="names").order_by("day")
        assert list(rows.values_list("dimensions", "events")) == [({}, 3), ({"name": "cyd"}, 1)]
    assert rebuild(check=True) == []
    assert purge() == (0, 0)


def test_periods_shorter_than_the_term_stay(account: Account, settings: Any) -> None:
    world.bill(account, NOW)
    settings.EVENT_RETENTION_DAYS = (NOW - BEGIN).days - 45
    assert purge() == (50, 0)
    assert kept(account) == {"later", "level", "fresh"}


def test_a_purged_event_never_counts_again(account: Account) -> None:
    world.bill(account, NOW)
    purge()
    before = day_totals(account)
    same = world.event(account, OLD + timedelta(hours=7), id_="o7", output_tokens=7, model="m")
    assert send(same).duplicates == 1
    assert send({**same, "data": {"output_tokens": "7.0", "model": "m"}}).duplicates == 1
    assert send({**same, "data": {"output_tokens": 8, "model": "m"}}).rejected[0].code == "id_conflict"
    assert send({**same, "time": FRESH.isoformat()}).rejected[0].code == "id_conflict"
    assert (
        send({key: value for key, value in same.items() if key != "time"}).rejected[0].code == "id_conflict"
    )
    assert send({**same, "source": "other", "time": FRESH.isoformat(), "data": {"output_tokens": 0}}).accepted
    mixed = send(
        same,
        {**same, "id": "new", "time": FRESH.isoformat()},
        {**same, "revision": 1},
        {**same, "revision": 2},
    )
    assert (mixed.accepted, mixed.duplicates, mixed.quarantined) == (1, 1, 2)
    with installation_scope():
        reasons = QuarantinedEvent.objects.values_list("reason", flat=True)
        assert list(reasons) == ["past_term", "past_term"]
    grown = [row for row in day_totals(account) if row not in before]
    assert [(row[0], row[3]) for row in grown] == [("output_tokens", Decimal(10))]
    assert rebuild(check=True) == []


def test_a_purged_revision_stands_above_lower_ones(account: Account) -> None:
    first = world.event(account, OLD, id_="r", output_tokens=1)
    assert send(first, {**first, "revision": 2, "voided": True}).accepted == 2
    world.bill(account, NOW)
    purge()
    assert send(first).duplicates == 1
    assert send({**first, "revision": 2, "voided": True}).duplicates == 1
    assert send({**first, "revision": 2}).rejected[0].code == "id_conflict"


def test_events_behind_an_invoice_stay_for_its_legal_term(committed: str, settings: Any) -> None:
    settings.EVENT_RETENTION_DAYS = 0
    with installation_scope():
        world.load()
        account = world.customer()
        world.on_plan(account, "team", BEGIN)
    world.use(account, OLD, input_tokens=1_000_000)
    world.bill(account, NOW)
    assert purge() == (0, 0)
    settings.INVOICE_EVENTS_YEARS = -1  # issued now, over with last year
    before = io.StringIO()
    call_command("verify", stdout=before)
    assert "could not be priced" not in before.getvalue()
    assert purge() == (1, 0)
    assert kept(account) == set()
    after = io.StringIO()
    call_command("verify", stdout=after)
    assert "could not be priced again" in after.getvalue()


def test_the_legal_term_begins_with_the_next_year(settings: Any) -> None:
    issued = datetime(2026, 3, 1, tzinfo=UTC)
    assert retention._within_term(issued, datetime(2036, 12, 31, 23, tzinfo=UTC))
    assert not retention._within_term(issued, datetime(2037, 1, 1, tzinfo=UTC))
    assert not retention._within_term(None, issued)


def test_what_may_still_be_priced_again_stays(account: Account, settings: Any) -> None:
    settings.EVENT_RETENTION_DAYS = 0
    world.bill(
        account, OLD + timedelta(days=29)
    )  # the first period, and no other since: late usage is still owed
    with account_scope(account.pk):
        Period.objects.filter(account=account, closed_at__isnull=False).update(
            closed_at=OLD + timedelta(days=29)
        )
    assert purge() == (0, 0)


def test_purged_usage_is_not_given_back_as_late_usage(committed: str) -> None:
    """An account that comes back after years: its last period would be priced again, and come to nothing."""
    users = {**LEVELS[0], "code": "users", "event_type": "login", "aggregation": "unique", "value": "user"}
    with installation_scope():
        load_catalog({"catalog": 1, "meters": [users]})
        world.load(world.plan("heads", {"code": "users", "model": "per_unit", "unit_price": "3"}))
        account = world.customer()
        world.on_plan(account, "heads", NOW - timedelta(days=40))
    world.send([world.event(account, NOW - timedelta(days=20), "login", user="ann")])
    issued = world.bill(account, NOW)
    with installation_scope():
        lines = [line for each in issued for line in world.amounts(each)]
    assert lines.count(("usage", "3.00")) == 1
    assert purging.purge_account(account, lambda _: [(BEGIN, NOW)]) == 1
    with account_scope(account.pk):
        period = Period.objects.select_related("account").get(account=account, closed_at=None)
        assert late_lines(period, Taxes(account, NOW.date())) == []


def test_senders_and_a_purge_at_once(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    world.bill(account, NOW)
    monkeypatch.setattr(purging, "CHUNK", 5)
    before, events = day_totals(account), _events(account)
    faults, results = list[BaseException](), list[Result]()

    def resend() -> None:
        try:
            for _ in range(12):
                results.append(send(*events))
        except BaseException as error:
            faults.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=resend) for _ in range(3)]
    for thread in threads:
        thread.start()
    gone = purge()
    for thread in threads:
        thread.join()
    assert faults == []
    assert gone == (51, 0)
    assert {(each.accepted, each.duplicates) for each in results} == {(0, 53)}
    assert day_totals(account) == before
    with connection.cursor() as cursor:
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        assert cursor.fetchone()[0] == 0


def test_hashes_are_added_only_and_of_ones_own_account(account: Account) -> None:
    world.bill(account, NOW)
    purge()
    with installation_scope():
        other = world.customer("other")
    with account_scope(other.pk):
        assert not PurgedEvent.objects.exists()
    with installation_scope():
        table = f"usage_purgedevent_{_partition(account)}"
        for statement in (
            "DELETE FROM usage_purgedevent",
            "UPDATE usage_purgedevent SET revision = 9",
            f"DELETE FROM {table}",
        ):
            with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
                connection.cursor().execute(statement)
        assert PurgedEvent.objects.filter(account=account).count() == 51


def _partition(account: Account) -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tableoid::regclass::text FROM usage_purgedevent WHERE account_id = %s LIMIT 1",
            [account.pk],
        )
        return str(cursor.fetchone()[0]).rpartition("_")[2]


def test_quarantined_events_have_a_term_of_their_own(account: Account, settings: Any) -> None:
    settings.QUARANTINE_RETENTION_DAYS = 30
    send(*(world.event(account, FRESH, "unheard", id_=f"q{n}") for n in range(4)))
    with installation_scope():
        rows = list(QuarantinedEvent.objects.order_by("pk"))
        past, recent = timezone.now() - timedelta(days=31), timezone.now() - timedelta(days=29)
        for row, received_at, replayed_at in zip(
            rows, (past, recent, past, past), (None, None, recent, past), strict=True
        ):
            QuarantinedEvent.objects.filter(pk=row.pk).update(
                received_at=received_at, replayed_at=replayed_at
            )
    assert purge(dry_run=True) == (0, 2)
    assert purge() == (0, 2)
    with installation_scope():
        assert list(QuarantinedEvent.objects.order_by("pk")) == rows[1:3]


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from(["", "1", "1.0", "01", "true", "None", "a"])
)


@given(
    one=st.dictionaries(st.sampled_from("ab"), VALUES | st.decimals(-3, 3, places=1), max_size=2),
    other=st.dictionaries(st.sampled_from("ab"), VALUES | st.decimals(-3, 3, places=1), max_size=2),
)
def test_hashes_tell_contents_apart_as_comparing_does(one: dict[str, Any], other: dict[str, Any]) -> None:
    meters = [RollupShape(event_type="t", aggregation="sum", value="a")]
    values = [by_value(each, meters) for each in (one, other)]
    hashes = [content_hash("t", False, None, each) for each in values]
    assert (values[0] == values[1]) == (hashes[0] == hashes[1])
