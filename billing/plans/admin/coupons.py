"""Coupons, and who has redeemed them: to read, and to redeem one for an account."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.admin import AccountAdmin, ReadOnlyInline
from accounts.models import Account
from billing.plans.actions import redeem
from billing.plans.admin.fields import CatalogForm
from billing.plans.errors import PlanError
from billing.plans.models import Coupon, Redemption
from billing.plans.queries import redeemed_coupons

TERMS = ("percent", "amount", "periods")


class CouponForm(CatalogForm):
    section = "coupons"

    class Meta:
        model = Coupon
        fields = "__all__"


class AccountsInline(ReadOnlyInline):
    """Who has redeemed the coupon, on which terms."""

    model = Redemption
    fields = ("account", *TERMS, "redeemed_at")
    show_change_link = True


@admin.register(Coupon)
class CouponAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    form = CouponForm
    list_display = ("code", "percent", "amount", "currency", "periods", "archived")
    list_filter = ("archived",)
    search_fields = ("code",)
    inlines = (AccountsInline,)

    def get_readonly_fields(self, request: HttpRequest, obj: Coupon | None = None) -> tuple[str, ...]:
        return ("code",) if obj else ()

    def get_inlines(self, request: HttpRequest, obj: Coupon | None) -> Any:
        return self.inlines if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Coupon | None = None) -> bool:
        return False


class RedeemForm(forms.ModelForm):  # type: ignore[type-arg]
    code = forms.CharField(label=_("Code"), max_length=100, help_text=_("Of the coupon, as it is given."))

    class Meta:
        model = Redemption
        fields = ("account",)

    def clean(self) -> dict[str, Any]:
        """Redeem here, so that a refusal is shown at its field."""
        data: dict[str, Any] = super().clean() or {}
        if not self.errors:
            try:
                self.made = redeem(data["account"], data["code"])
            except PlanError as error:
                self.add_error(error.field if error.field in self.fields else None, error.sentence)
        return data


@admin.register(Redemption)
class RedemptionAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("coupon", "account", *TERMS, "redeemed_at")
    list_filter = ("coupon",)
    list_select_related = ("coupon", "account")
    search_fields = ("coupon__code", "account__code", "account__name")
    date_hierarchy = "redeemed_at"
    fields = ("account", "coupon", *TERMS, "redeemed_at", "periods_left")
    readonly_fields = ("periods_left",)

    @admin.display(description=_("periods left"))
    def periods_left(self, redemption: Redemption) -> str:
        """Of its periods, those that have not ended."""
        redeemed = redeemed_coupons(redemption.account, timezone.now())
        left = next(one.left for one in redeemed if one.redemption.pk == redemption.pk)
        return str(_("for ever") if left is None else left)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any) -> Any:
        return super().get_form(request, obj, change, **({} if obj else {"form": RedeemForm}), **options)

    def get_fields(self, request: HttpRequest, obj: Redemption | None = None) -> Any:
        return self.fields if obj else ("account", "code")

    def get_readonly_fields(self, request: HttpRequest, obj: Redemption | None = None) -> tuple[str, ...]:
        return self.readonly_fields if obj else ()

    def get_autocomplete_fields(self, request: HttpRequest) -> tuple[str, ...]:
        return ("account",)

    def has_change_permission(self, request: HttpRequest, obj: Redemption | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Redemption | None = None) -> bool:
        return False

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Redemption:
        made: Redemption = form.made
        return made

    def save_model(self, request: HttpRequest, obj: Redemption, form: Any, change: bool) -> None:
        """The form has made it."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Nothing is edited beside it."""


class CouponsInline(ReadOnlyInline):
    """What an account has redeemed; how much is left is on the page of each."""

    model = Redemption
    fields = ("coupon", *TERMS, "redeemed_at")
    show_change_link = True


admin.site.unregister(Account)


@admin.register(Account)
class BilledAccountAdmin(AccountAdmin):
    """The account with its coupons, which the app of accounts knows nothing of."""

    def get_inlines(self, request: HttpRequest, obj: Account | None) -> Any:
        return (*self.inlines, CouponsInline) if obj else self.inlines
