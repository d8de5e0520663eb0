"""Who: people, the accounts that are billed, and the keys of machines."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Lower, Now
from django.utils.translation import gettext_lazy as _

from accounts import validators

CODE = RegexValidator(
    r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}\Z", _("Use letters, digits and . _ : - only, 100 at most.")
)


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email__iexact=username)


class User(AbstractBaseUser, PermissionsMixin):
    """A person. Signs in by mail address; may belong to several accounts; staff use the admin."""

    email = models.EmailField(_("mail address"), max_length=254, unique=True)
    name = models.CharField(_("name"), max_length=150, blank=True)
    language = models.CharField(
        _("language"), max_length=10, blank=True, help_text="As the person chose; else the account's"
    )
    is_staff = models.BooleanField(_("staff"), default=False)
    is_active = models.BooleanField(_("active"), default=True)
    date_joined = models.DateTimeField(db_default=Now(), editable=False)

    objects: ClassVar[UserManager] = UserManager()
    known_memberships: "Sequence[Membership] | None" = None
    """What was read with the person of a request (accounts/backends.py), by the accounts' codes."""
    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(Lower("email"), name="user_email_once")]

    def __str__(self) -> str:
        return self.name or self.email


class Account(models.Model):
    """A customer that is billed: the tenant. Its code is the `subject` of its events."""

    code = models.CharField(_("code"), max_length=100, unique=True, validators=[CODE])
    name = models.CharField(_("name"), max_length=200, validators=[validators.single_line])
    currency = models.CharField(_("currency"), max_length=3, validators=[validators.currency])
    timezone = models.CharField(_("time zone"), max_length=64, validators=[validators.timezone])
    locale = models.CharField(_("language"), max_length=10, validators=[validators.locale])
    country = models.CharField(_("country"), max_length=2, validators=[validators.country])
    email = models.EmailField(_("mail address for invoices"), max_length=254)
    tax_id = models.CharField(_("VAT id"), max_length=30, blank=True)
    tax_code = models.CharField(
        _("tax code"), max_length=100, blank=True, validators=[validators.single_line]
    )
    line1 = models.CharField(_("address"), max_length=200, blank=True, validators=[validators.single_line])
    line2 = models.CharField(
        _("address, second line"), max_length=200, blank=True, validators=[validators.single_line]
    )
    postcode = models.CharField(_("postcode"), max_length=20, blank=True, validators=[validators.single_line])
    city = models.CharField(_("city"), max_length=100, blank=True, validators=[validators.single_line])
    legal_id = models.CharField(
        _("company number"), max_length=50, blank=True, validators=[validators.single_line]
    )
    purchase_order = models.CharField(
        _("purchase order"), max_length=100, blank=True, validators=[validators.single_line]
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering: ClassVar = ["code"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        try:
            self.tax_id = validators.compact_tax_id(self.tax_id, self.country)
        except ValidationError as error:
            raise ValidationError({"tax_id": error}) from error


class Role(models.TextChoices):
    OWNER = "owner", _("owner")
    BILLING = "billing", _("billing")
    DEVELOPER = "developer", _("developer")
    VIEWER = "viewer", _("viewer")


class Mail(models.TextChoices):
    """What an account's people are told by mail."""

    LIMIT = "limit", _("Alerts about spending limits")
    ISSUED = "issued", _("Invoices and credit notes")
    REMINDER = "reminder", _("Reminders of unpaid invoices")
    DECLINED = "declined", _("A card is declined")
    WEBHOOK = "webhook", _("A webhook is switched off")


USUAL_MAILS: Final[Mapping[str, frozenset[str]]] = {
    Role.OWNER: frozenset(Mail.values),
    Role.BILLING: frozenset(Mail.values) - {Mail.WEBHOOK},
    Role.DEVELOPER: frozenset({Mail.WEBHOOK}),
    Role.VIEWER: frozenset(),
}
"""What a person of a role is told who has chosen nothing."""


class Membership(models.Model):
    """A user's role on an account, and which mails about it he wants."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role)
    mails = models.JSONField(
        null=True, blank=True, help_text="As the person chose; null: the role's usual ones"
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "user"], name="one_role_per_member")
        ]

    @property
    def wanted_mails(self) -> frozenset[str]:
        return USUAL_MAILS[self.role] if self.mails is None else frozenset(self.mails)

    def __str__(self) -> str:
        return f"{self.user} ({self.role})"

    @property
    def told(self) -> dict[str, str]:
        """As the record of who changed what names the person."""
        return {"name": self.user.name, "email": self.user.email}


class Invitation(models.Model):
    """A person who is asked to join. Of the link only a SHA-256 is kept; it is good once, until `expires_at`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, models.CASCADE, related_name="invitations")
    email = models.EmailField(max_length=254)
    name = models.CharField(max_length=150, blank=True, validators=[validators.single_line])
    role = models.CharField(max_length=10, choices=Role)
    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    invited_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, editable=False)
    error = models.CharField(max_length=300, blank=True)
    accepted_at = models.DateTimeField(null=True, editable=False)
    withdrawn_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering: ClassVar = ["created_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                "account",
                Lower("email"),
                condition=models.Q(accepted_at=None, withdrawn_at=None),
                name="one_open_invitation",
            )
        ]

    def __str__(self) -> str:
        return f"{self.email} ({self.role})"

    @property
    def told(self) -> dict[str, str]:
        """As the record of who changed what names the person."""
        return {"name": self.name, "email": self.email}


class PortalLink(models.Model):
    """A link by which a host product signs a member in, once (accounts/portal_links.py)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, models.CASCADE, related_name="+")
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    path = models.CharField(max_length=500)
    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, editable=False)


class ApiKey(models.Model):
    """A machine's key: only a prefix and the SHA-256 are kept, so it is shown once. No account: the installation's."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, models.CASCADE, null=True, blank=True, related_name="api_keys")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=16, unique=True, editable=False)
    digest = models.BinaryField(max_length=32, editable=False)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    # Of keys that staff or a command made: nobody's.
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, editable=False, related_name="+")
    last_used_at = models.DateTimeField(null=True, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class IdempotentRequest(models.Model):
    """The answer to a machine's request that carried an Idempotency-Key; written in the transaction it answers for.

    The unique row is also the lock: the same request sent twice at once waits here for the first one's answer.
    """

    api_key = models.ForeignKey(ApiKey, models.CASCADE, related_name="+")
    account = models.ForeignKey(Account, models.CASCADE, null=True, related_name="+")
    endpoint = models.CharField(max_length=300, help_text="Method and path")
    key = models.CharField(max_length=255)
    body_digest = models.BinaryField(max_length=32)
    status = models.PositiveSmallIntegerField(default=0)
    answer = models.JSONField(null=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["api_key", "endpoint", "key"], name="idempotency_key_once")
        ]
        indexes: ClassVar = [models.Index(fields=["api_key", "created_at"], name="idempotent_by_age")]


class Deed(models.TextChoices):
    """What is kept of who changed what. The part before the point is the kind that the page filters by."""

    LIMIT_SET = "limit.set", "limit set"
    LIMIT_LIFTED = "limit.lifted", "limit lifted"
    PLAN_STARTED = "plan.started", "subscription started"
    PLAN_CHANGED = "plan.changed", "plan changed"
    PLAN_CANCELLED = "plan.cancelled", "subscription cancelled"
    PLAN_TAKEN_BACK = "plan.taken_back", "scheduled change taken back"
    COUPON_REDEEMED = "plan.coupon", "coupon redeemed"
    WEBHOOK_ADDED = "webhook.added", "webhook added"
    WEBHOOK_CHANGED = "webhook.changed", "webhook changed"
    WEBHOOK_SECRET = "webhook.secret", "webhook's secret replaced"
    WEBHOOK_ON = "webhook.on", "webhook switched on"
    WEBHOOK_OFF = "webhook.off", "webhook switched off"
    WEBHOOK_REMOVED = "webhook.removed", "webhook removed"
    CARD_ADDED = "payment.card_added", "card added"
    CARD_REMOVED = "payment.card_removed", "card removed"
    CARD_CHOSEN = "payment.card_chosen", "default card chosen"
    PAY_AUTOMATICALLY = "payment.automatic", "automatic payment on"
    PAY_BY_HAND = "payment.by_hand", "automatic payment off"
    DETAILS_CHANGED = "details.changed", "billing details changed"
    MEMBER_INVITED = "member.invited", "member invited"
    INVITED_AGAIN = "member.invited_again", "invitation sent again"
    INVITATION_WITHDRAWN = "member.withdrawn", "invitation withdrawn"
    MEMBER_JOINED = "member.joined", "member joined"
    ROLE_CHANGED = "member.role", "role changed"
    MEMBER_REMOVED = "member.removed", "member removed"
    MEMBER_LEFT = "member.left", "member left"
    KEY_MADE = "key.made", "API key made"
    KEY_REPLACED = "key.replaced", "API key replaced"
    KEY_REVOKED = "key.revoked", "API key revoked"
    PORTAL_LINK_MADE = "access.link_made", "portal link made"
    PORTAL_LINK_OPENED = "access.link_opened", "portal link opened"


class Activity(models.Model):
    """Something that somebody changed of an account, kept in the transaction of the change (accounts/activity.py).

    Rows are only ever added: triggers refuse the rest. Who it was is kept as text beside the person's id, so that a
    person who is removed stays readable.
    """

    class By(models.TextChoices):
        MEMBER = "member", "member"
        KEY = "key", "API key"
        STAFF = "staff", "staff"
        SYSTEM = "system", "system"

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    at = models.DateTimeField(db_default=Now(), editable=False)
    deed = models.CharField(max_length=30)  # a Deed; a new one needs no migration
    by = models.CharField(max_length=10, choices=By)
    by_name = models.CharField(max_length=254, blank=True)
    by_email = models.CharField(max_length=254, blank=True)
    user = models.ForeignKey(User, models.DO_NOTHING, null=True, related_name="+", db_constraint=False)
    details = models.JSONField(default=dict)

    class Meta:
        ordering: ClassVar = ["-id"]
        verbose_name_plural = "activities"
        indexes: ClassVar = [models.Index(fields=["account", "-id"], name="activity_of_account")]

    def __str__(self) -> str:
        return f"{self.deed} by {self.by_name or self.by}"
