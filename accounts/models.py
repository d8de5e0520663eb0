"""Who: people, the accounts that are billed, and the keys of machines."""

import uuid
from collections.abc import Sequence
from typing import Any, ClassVar

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


class Membership(models.Model):
    """A user's role on an account."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "user"], name="one_role_per_member")
        ]

    def __str__(self) -> str:
        return f"{self.user} ({self.role})"


class ApiKey(models.Model):
    """A machine's key: only a prefix and the SHA-256 are kept, so it is shown once. No account: the installation's."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, models.CASCADE, null=True, blank=True, related_name="api_keys")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=16, unique=True, editable=False)
    digest = models.BinaryField(max_length=32, editable=False)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
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
