"""Links by which a host product opens a page of the portal for a member whom it has signed in itself.

A link is good once, for five minutes, and only its SHA-256 is kept. Whoever makes one vouches for the person, so only
the installation may; staff, who can do more than any customer, never come in this way.
"""

import hashlib
import re
import secrets
from datetime import timedelta
from typing import Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.urls import Resolver404, resolve
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.activity import record
from accounts.models import Account, Deed, Membership, PortalLink

VALID_FOR: Final = timedelta(minutes=5)
BELOW: Final = "/billing/"
_PLAIN: Final = re.compile(r"[A-Za-z0-9._~:/-]*(?:\?[A-Za-z0-9._~%&=:+,/-]*)?")
LONGEST: Final = 500


class NotAMember(Exception):  # noqa: N818  (as the API names it)
    """The person may not be signed in by a link; the sentence says why."""


@transaction.atomic
def make_link(account: Account, email: str, path: str = BELOW) -> tuple[PortalLink, str]:
    """A link for the member with this address, and its token, which nothing keeps.

    Raises `NotAMember`; ValidationError (path) for what is no page of the portal.
    """
    check_path(path)
    members = Membership.objects.filter(
        account=account, user__email__iexact=email.strip(), user__is_active=True
    )
    member = members.select_related("user").first()
    if member is None:
        raise NotAMember(_("Nobody with this address is a member of the account: invite them first."))
    if member.user.is_staff or member.user.is_superuser:
        raise NotAMember(_("Staff sign in themselves: no link is made for them."))
    token = secrets.token_urlsafe(32)
    made = PortalLink.objects.create(
        account=account,
        user=member.user,
        path=path,
        digest=_digest(token),
        expires_at=timezone.now() + VALID_FOR,
    )
    record(account, Deed.PORTAL_LINK_MADE, member=member.told, path=path)
    return made, token


@transaction.atomic
def use_link(token: str) -> PortalLink | None:
    """The link whose token this is, used up by this very call; None if it was used, is too old, or its person is no
    member any more. In the installation's scope: whose account it is, the link says.
    """
    now = timezone.now()
    good = PortalLink.objects.filter(digest=_digest(token), used_at=None, expires_at__gt=now)
    if not good.update(used_at=now):  # of two at once the second waits here, and finds it used
        return None
    link = PortalLink.objects.select_related("account", "user").get(digest=_digest(token))
    member = Membership.objects.filter(account=link.account, user=link.user).select_related("user").first()
    if member is None or not link.user.is_active or link.user.is_staff or link.user.is_superuser:
        return None
    record(link.account, Deed.PORTAL_LINK_OPENED, by=link.user, member=member.told, path=link.path)
    return link


def check_path(path: str) -> None:
    """Raise ValidationError (path) unless it is a page of the portal."""
    if len(path) <= LONGEST and _stays_below(path):
        try:
            resolve(path.partition("?")[0])
        except Resolver404:
            pass
        else:
            return
    sentence = _("Write the path of a page below /billing/, such as /billing/invoices/.")
    raise ValidationError({"path": sentence})


def _stays_below(path: str) -> bool:
    """Whether a browser takes it for what it says: no other host (//), no climbing (.., also not as %2e%2e)."""
    page = path.partition("?")[0]
    *parts, last = page.removeprefix(BELOW).split("/")
    climbing = {"", ".", ".."}.intersection(parts) or last in (".", "..")
    return path.startswith(BELOW) and _PLAIN.fullmatch(path) is not None and not climbing


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
