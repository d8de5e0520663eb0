"""Small builders of real rows, for tests."""

from typing import Any

from accounts.models import Account, Membership, Role, User


def make_account(code: str = "acme", **fields: Any) -> Account:
    values = {
        "name": code.title(),
        "currency": "EUR",
        "timezone": "Europe/Paris",
        "locale": "en",
        "country": "FR",
        "email": f"billing@{code}.example",
    }
    return Account.objects.create(code=code, **{**values, **fields})


def make_member(account: Account, role: str = Role.OWNER, email: str | None = None) -> User:
    user = User.objects.create_user(email or f"{role}@{account.code}.example", "correct horse battery")
    Membership.objects.create(account=account, user=user, role=role)
    return user
