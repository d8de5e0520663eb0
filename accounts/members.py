"""Who belongs to which accounts."""

from collections.abc import Sequence

from accounts.models import Membership, User
from accounts.reading import once


@once
def memberships_of(user: User) -> Sequence[Membership]:
    """The person's memberships with their accounts, by the accounts' codes."""
    if user.known_memberships is not None:
        return user.known_memberships
    return list(Membership.objects.filter(user=user).select_related("account").order_by("account__code"))
