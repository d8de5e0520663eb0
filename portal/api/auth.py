"""Who asks: a key of one account or of the installation, and what its scopes allow.

`ingest`: events, allowance, reservations. `read`: every GET. `manage`: all. What another account owns is 404, in
the very words for what does not exist.
"""

import re
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.models import Account, ApiKey
from portal.api.problems import Problem, invalid_parameter, not_found

REALM = 'Bearer realm="Plainbill"'
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}\Z")


class KeyAuthentication(BaseAuthentication):
    """The key was found by accounts/middleware.py, which also opened its scope."""

    def authenticate(self, request: Request) -> tuple[None, ApiKey] | None:
        return None, require_key(request._request)

    def authenticate_header(self, request: Request) -> str:
        return REALM


class KeyHasScope(BasePermission):
    """The key has one of the scopes that the view names for the method."""

    def has_permission(self, request: Request, view: Any) -> bool:
        require_scope(api_key(request), *view.scopes_of(request.method))
        return True


def require_key(request: HttpRequest) -> ApiKey:
    """The request's live key, or problem 401."""
    return live_key(getattr(request, "api_key", None))


def live_key(key: ApiKey | None) -> ApiKey:
    """`key`, or problem 401 if there is none."""
    if key is None:
        detail = (
            "Send a live key: Authorization: Bearer KEY. This request has none, or one that is not in force."
        )
        raise Problem("unauthorized", detail, headers={"WWW-Authenticate": REALM})
    return key


def require_scope(key: ApiKey, *scopes: str) -> None:
    """Problem 403 unless the key has one of `scopes`, or manage."""
    if not {"manage", *scopes}.intersection(key.scopes):
        needed = " or ".join(dict.fromkeys([*scopes, "manage"]))
        raise Problem("forbidden", f"This call needs a key with the scope {needed}.")


def api_key(request: Request) -> ApiKey:
    key = request.auth
    if not isinstance(key, ApiKey):
        raise TypeError("an API view without KeyAuthentication")
    return key


def require_installation(request: Request, what: str) -> None:
    """Problem 403 for an account's own key."""
    if api_key(request).account_id is not None:
        raise Problem("forbidden", f"{what} needs an installation key; this one is an account's.")


def account_of(request: Request, code: str) -> Account:
    """The account `code`, or problem 404 where it is unknown or not the key's."""
    key = api_key(request)
    if key.account_id is not None:
        if key.account is None or key.account.code != code:
            raise not_found()
        return key.account
    account = Account.objects.filter(code=code).first() if _CODE.match(code) else None
    if account is None:
        raise not_found()
    return account


def refuse_method_override(headers: Mapping[str, str]) -> None:
    """A header that asks for another method than the request has is refused, lest a proxy and we disagree."""
    if "X-HTTP-Method-Override" in headers:
        raise invalid_parameter("X-HTTP-Method-Override", "Not supported: send the method itself.")
