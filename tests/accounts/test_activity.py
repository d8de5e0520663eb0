"""Who changed what: kept with the change or not at all, seen by its account alone, and never changed."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.utils import ProgrammingError
from django.utils import timezone

from accounts.activity import SYSTEM, acting, acts, record
from accounts.keys import create_key
from accounts.models import Activity, Deed, Membership, User
from accounts.scope import account_scope, installation_scope
from tests.factories import make_account, make_member


def kept(deed: Deed = Deed.LIMIT_SET) -> Activity:
    return Activity.objects.get(deed=deed)


def test_it_says_when_who_and_what(db: None) -> None:
    account = make_account()
    owner = make_member(account)
    before = timezone.now()
    at = datetime(2026, 2, 1, tzinfo=UTC)
    record(account, Deed.LIMIT_SET, by=owner, after={"amount": Decimal("5.00"), "since": at})
    row = kept()
    assert abs((row.at - before).total_seconds()) < 60
    assert (row.by, row.by_name, row.by_email, row.user_id) == ("member", str(owner), owner.email, owner.pk)
    assert row.details == {"after": {"amount": "5.00", "since": "2026-02-01T00:00:00Z"}}


def test_keys_staff_and_the_system_are_told_apart(db: None) -> None:
    account = make_account()
    key, _ = create_key("nightly sync", ["manage"], account)
    staff = User.objects.create_user("help@example.com", name="Support", is_staff=True)
    with acting(key):
        record(account, Deed.LIMIT_SET)
        record(account, Deed.LIMIT_LIFTED, by=staff)
    record(account, Deed.PLAN_CHANGED)
    found = Activity.objects.order_by("pk").values_list("by", "by_name", "user_id")
    assert list(found) == [
        ("key", "nightly sync", None),
        ("staff", "Support", staff.pk),
        ("system", "", None),
    ]


def test_who_acts_ends_with_the_request(db: None) -> None:
    account = make_account()
    with acting(SYSTEM):
        acts(make_member(account))
    record(account, Deed.LIMIT_SET)
    assert kept().by == "system"


def test_a_person_who_is_removed_stays_readable(db: None) -> None:
    account = make_account()
    owner = make_member(account)
    record(account, Deed.LIMIT_SET, by=owner)
    name, pk = str(owner), owner.pk
    Membership.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM accounts_user WHERE id = %s", [pk])
    assert (kept().by_name, kept().user_id) == (name, pk)


def test_a_change_that_fails_leaves_no_record(db: None) -> None:
    account = make_account()

    @transaction.atomic
    def fail() -> None:
        record(account, Deed.LIMIT_SET)
        raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert not Activity.objects.exists()


def test_outside_of_a_transaction_nothing_is_recorded(committed: str) -> None:
    with installation_scope():
        account = make_account()
    with pytest.raises(RuntimeError, match="transaction of the change"):
        record(account, Deed.LIMIT_SET)


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ("UPDATE accounts_activity SET by_name = 'nobody'", "stays on record"),
        ("DELETE FROM accounts_activity", "stays on record"),
        ("TRUNCATE accounts_activity", "permission denied"),
    ],
)
def test_what_is_kept_stays(db: None, change: str, refusal: str) -> None:
    record(make_account(), Deed.LIMIT_SET)
    with pytest.raises(DatabaseError, match=refusal), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change)
    assert Activity.objects.count() == 1


def test_an_account_sees_and_writes_its_own(committed: str) -> None:
    with installation_scope():
        alice, charlie = make_account("alice"), make_account("charlie")
        record(alice, Deed.LIMIT_SET)
        record(charlie, Deed.LIMIT_SET)
    with account_scope(alice.pk):
        assert Activity.objects.get().account_id == alice.pk
    with pytest.raises(ProgrammingError, match="row-level security"), account_scope(alice.pk):
        record(charlie, Deed.LIMIT_SET)
