"""Who is signed in, read with the accounts he belongs to: every page asks for both."""

from allauth.account.auth_backends import AuthenticationBackend

from accounts.models import Membership, User


class MemberBackend(AuthenticationBackend):
    """allauth's, which finds a person by mail address and password."""

    def get_user(self, user_id: int) -> User | None:
        """One statement for members; None for who is no longer active."""
        rows = Membership.objects.filter(user=user_id).select_related("account", "user")
        memberships = list(rows.order_by("account__code"))
        if not memberships:
            found: User | None = super().get_user(user_id)
            return found
        user = memberships[0].user
        user.known_memberships = memberships
        return user if self.user_can_authenticate(user) else None
