"""People, accounts and keys for support staff."""

from collections.abc import Collection
from typing import Any, ClassVar, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.actions import keep_details
from accounts.activity import record
from accounts.keys import SCOPES, create_key, make_key, revoke_key
from accounts.models import Account, Activity, ApiKey, Deed, Membership, Role, User
from accounts.team import lock, other_owners


class ReadOnlyInline(admin.TabularInline):  # type: ignore[type-arg]
    """Rows that are shown with what they belong to, and changed elsewhere if at all."""

    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class NewUserForm(AdminUserCreationForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = ("email",)
        field_classes: ClassVar[dict[str, Any]] = {}


class UserForm(UserChangeForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = "__all__"
        field_classes: ClassVar[dict[str, Any]] = {}

    def clean_is_active(self) -> bool:
        active: bool = self.cleaned_data["is_active"]
        if not active:
            owned = Membership.objects.filter(user=self.instance, role=Role.OWNER, user__is_active=True)
            _keep_owners(list(owned.select_related("account")))
        return active


class MembershipForms(BaseInlineFormSet):  # type: ignore[type-arg]
    """Rows of which none may take an account its last owner who can sign in."""

    def clean(self) -> None:
        super().clean()
        if not self.is_valid():
            return
        rows = {form.instance.pk: form for form in self.initial_forms}
        staying = [form.instance for form in self.forms if form not in self.deleted_forms]
        kept = {one.account_id for one in staying if one.role == Role.OWNER and one.user.is_active}
        owners = Membership.objects.filter(pk__in=rows, role=Role.OWNER, user__is_active=True)
        leaving = [one for one in owners.select_related("account") if one.account_id not in kept]
        try:
            _keep_owners(leaving)
        except ValidationError as error:
            for one in leaving:
                rows[one.pk].add_error("role" if "role" in rows[one.pk].fields else None, error)
            raise  # Django passes over the errors of a row that is to be deleted


def _keep_owners(leaving: Collection[Membership]) -> None:
    """Refuse where accounts would be left without an owner who can sign in."""
    lock({one.account_id for one in leaving})
    pks = [one.pk for one in leaving]
    alone = {one.account.code for one in leaving if not other_owners(one.account_id, pks).exists()}
    if alone:
        sentence = _("%(accounts)s would have no owner who can sign in: make somebody else owner first.")
        raise ValidationError(sentence, params={"accounts": ", ".join(sorted(alone))})


class MembershipInline(admin.TabularInline):  # type: ignore[type-arg]
    model = Membership
    formset = MembershipForms
    extra = 0
    autocomplete_fields = ("account", "user")


class KeepsMembers:
    """Mixin of admin pages where staff edit memberships: each change is on the account's record."""

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        super().save_formset(request, form, formset, change)  # type: ignore[misc]
        if formset.model is not Membership:
            return
        roles = {each.instance.pk: each.initial.get("role") for each in formset.initial_forms}
        for one in formset.new_objects:
            record(one.account_id, Deed.MEMBER_JOINED, member=one.told, role=one.role)
        for one, _fields in formset.changed_objects:
            record(one.account_id, Deed.ROLE_CHANGED, member=one.told, before=roles[one.pk], after=one.role)
        for one in formset.deleted_objects:
            record(one.account_id, Deed.MEMBER_REMOVED, member=one.told, role=one.role)


@admin.register(User)
class UserAdmin(KeepsMembers, DjangoUserAdmin):  # type: ignore[type-arg]
    form, add_form = UserForm, NewUserForm
    list_display = ("email", "name", "is_staff", "is_active", "last_login")
    list_filter = ("is_staff", "is_active")
    search_fields = ("email", "name", "memberships__account__code")
    ordering = ("email",)
    readonly_fields = ("last_login", "date_joined")
    inlines = (MembershipInline,)
    fieldsets = (
        (None, {"fields": ("email", "name", "password")}),
        (_("Rights"), {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        (_("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "usable_password", "password1", "password2")}),)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        """Only superusers give rights: else a staff member could make itself one."""
        rights = (
            () if request.user.is_superuser else ("is_staff", "is_superuser", "groups", "user_permissions")
        )
        return (*self.readonly_fields, *rights)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        may_not = obj is not None and obj.is_superuser and not request.user.is_superuser
        return super().has_change_permission(request, obj) and not may_not


class KeyInline(admin.TabularInline):  # type: ignore[type-arg]
    """The account's keys, to read: they are made and revoked on their own pages."""

    model = ApiKey
    extra = 0
    fields = readonly_fields = (
        "name",
        "prefix",
        "scopes",
        "created_at",
        "last_used_at",
        "expires_at",
        "revoked_at",
    )
    can_delete = False
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Account)
class AccountAdmin(KeepsMembers, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("code", "name", "country", "currency", "timezone", "created_at")
    list_filter = ("currency", "country")
    search_fields = ("code", "name", "email", "tax_id", "memberships__user__email")
    date_hierarchy = "created_at"
    inlines = (MembershipInline, KeyInline)
    fieldsets = (
        (None, {"fields": ("code", "name", "currency", "timezone", "locale")}),
        (_("Invoices go to"), {"fields": ("email", "line1", "line2", "postcode", "city", "country")}),
        (_("Tax and references"), {"fields": ("tax_id", "tax_code", "legal_id", "purchase_order")}),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Account | None = None) -> tuple[str, ...]:
        """Events are sent to the code, and what was invoiced is in the currency."""
        return ("code", "currency") if obj else ()

    def save_model(self, request: HttpRequest, obj: Account, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change:
            keep_details(obj, {name: form.initial[name] for name in form.changed_data})

    def has_delete_permission(self, request: HttpRequest, obj: Account | None = None) -> bool:
        return False


class NewKeyForm(forms.ModelForm):  # type: ignore[type-arg]
    scopes = forms.MultipleChoiceField(
        choices=[(scope, scope) for scope in SCOPES],
        widget=forms.CheckboxSelectMultiple,
        help_text=_("ingest: send events and ask for allowance. read: every GET. manage: all."),
    )

    class Meta:
        model = ApiKey
        fields = ("account", "name", "scopes", "expires_at")


@admin.register(ApiKey)
class ApiKeyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = (
        "name",
        "prefix",
        "account",
        "scopes",
        "created_at",
        "last_used_at",
        "expires_at",
        "revoked_at",
    )
    list_filter = (("revoked_at", admin.EmptyFieldListFilter), ("account", admin.EmptyFieldListFilter))
    list_select_related = ("account",)
    search_fields = ("name", "prefix", "account__code", "account__name")
    autocomplete_fields = ("account",)
    actions = ("revoke",)

    def get_form(
        self, request: HttpRequest, obj: ApiKey | None = None, change: bool = False, **options: Any
    ) -> Any:
        return super().get_form(request, obj, change, **({} if obj else {"form": NewKeyForm}), **options)

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> tuple[str, ...]:
        if obj is None:
            return ("account", "name", "scopes", "expires_at")
        return (
            "name",
            "account",
            "scopes",
            "prefix",
            "created_at",
            "last_used_at",
            "expires_at",
            "revoked_at",
        )

    def has_change_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        return obj is None and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: ApiKey, form: forms.ModelForm, change: bool) -> None:  # type: ignore[type-arg]
        wanted, by = (obj.name, form.cleaned_data["scopes"]), cast(User, request.user)
        if obj.account is not None:
            key, text = make_key(obj.account, *wanted, obj.expires_at, by)
        else:
            key, text = create_key(*wanted, expires_at=obj.expires_at, by=by)
        obj.pk, obj.prefix = key.pk, key.prefix
        request.new_key = text  # type: ignore[attr-defined]

    def response_add(
        self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None
    ) -> HttpResponse:
        """The one page that shows the key: nothing keeps its text, no message and no session."""
        context = {
            **self.admin_site.each_context(request),
            "title": _("The new key"),
            "key": obj,
            "text": request.new_key,  # type: ignore[attr-defined]
            "opts": self.opts,
        }
        return TemplateResponse(request, "admin/accounts/apikey/created.html", context)

    @admin.action(description=_("Revoke the chosen keys"), permissions=["add"])
    def revoke(self, request: HttpRequest, keys: QuerySet[ApiKey]) -> None:
        live = list(keys.filter(revoked_at=None).select_related("account"))
        for key in live:
            revoke_key(key, cast(User, request.user))
        count = len(live)
        sentence = ngettext("%(count)s key is revoked.", "%(count)s keys are revoked.", count)
        self.message_user(request, sentence % {"count": count}, messages.SUCCESS)


@admin.register(Activity)
class ActivityAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Who changed what, to read."""

    list_display = ("at", "account", "by", "by_name", "deed", "details")
    list_filter = ("by",)
    list_select_related = ("account",)
    search_fields = ("account__code", "account__name", "by_name", "by_email", "deed")
    date_hierarchy = "at"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Activity | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Activity | None = None) -> bool:
        return False
