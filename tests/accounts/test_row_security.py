"""The second lock: outside its account's scope a transaction sees and writes nothing."""

import pytest
from django.db import connection, transaction
from django.db.utils import ProgrammingError

from accounts.scope import account_scope, installation_scope
from tests.factories import make_account


@pytest.fixture
def payments_of_two(committed: str) -> tuple[int, int]:
    from django.utils import timezone

    from billing.limits.models import LimitVersion

    with installation_scope():
        alice, charlie = make_account("alice"), make_account("charlie")
        for account in (alice, charlie):
            LimitVersion.objects.create(account=account, amount=5, since=timezone.now())
    return alice.pk, charlie.pk


def count() -> int:
    from billing.limits.models import LimitVersion

    return LimitVersion.objects.count()


def test_each_account_sees_its_own_rows_only(payments_of_two: tuple[int, int]) -> None:
    alice, _ = payments_of_two
    with account_scope(alice):
        assert count() == 1
    with installation_scope():
        assert count() == 2
    assert count() == 0, "outside a scope nothing is seen"


def test_an_inner_scope_ends_where_it_ends(payments_of_two: tuple[int, int]) -> None:
    alice, _ = payments_of_two
    with account_scope(alice):
        with installation_scope():
            assert count() == 2
        assert count() == 1


def test_a_row_of_another_account_is_refused(payments_of_two: tuple[int, int]) -> None:
    from django.utils import timezone

    from billing.limits.models import LimitVersion

    alice, charlie = payments_of_two
    with pytest.raises(ProgrammingError, match="row-level security"), account_scope(alice):
        LimitVersion.objects.create(account_id=charlie, since=timezone.now())


def test_the_application_cannot_pass_row_security(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == (False, False)


def test_every_table_of_an_account_is_under_row_security(db: None) -> None:
    free = {"accounts_membership", "accounts_apikey"}  # read before an account is known
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
               WHERE a.attname = 'account_id' AND c.relkind IN ('r', 'p') AND NOT c.relispartition
                 AND c.relnamespace = 'public'::regnamespace
                 AND NOT (c.relrowsecurity AND c.relforcerowsecurity)"""
        )
        assert {row[0] for row in cursor.fetchall()} - free == set()
    assert transaction.get_connection().in_atomic_block
