"""Meters and taxes."""

from datetime import date
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from billing.plans.actions.catalog import filtered_dimensions
from billing.plans.admin.fields import CatalogForm, TextsField, WordsField
from billing.plans.models import Meter, TaxRate
from billing.pricing.charges import localized

type Fieldsets = Any


class MeterForm(CatalogForm):
    section = "meters"
    name = TextsField(label=_("Name"))
    unit = TextsField(label=_("Unit"), help_text=_("What one of it is called: token, hour, GB."))
    dimensions = WordsField(
        required=False,
        help_text=_("Properties of the data to filter and group by, with commas: model, region"),
    )

    class Meta:
        model = Meter
        fields = "__all__"

    def clean_dimensions(self) -> list[str]:
        dimensions: list[str] = self.cleaned_data["dimensions"]
        missing = (
            sorted(filtered_dimensions(self.instance.code) - set(dimensions)) if self.instance.pk else []
        )
        if missing:
            names = ", ".join(missing)
            raise forms.ValidationError(
                _("Keep %(names)s: prices of published plan versions filter on it.") % {"names": names}
            )
        return dimensions


@admin.register(Meter)
class MeterAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    form = MeterForm
    list_display = ("code", "localized_name", "event_type", "aggregation", "value", "dimensions", "archived")
    list_filter = ("aggregation", "archived", "event_type")
    search_fields = ("code", "name", "event_type")
    fieldsets: ClassVar[Fieldsets] = (
        (None, {"fields": ("code", "name", "unit", "unit_code", "archived")}),
        (
            _("What it measures"),
            {
                "fields": ("event_type", "aggregation", "value", "dimensions"),
                "description": _(
                    "Event type, aggregation and value stay as they are once the meter exists: stored usage "
                    "would count differently. Make a new meter instead."
                ),
            },
        ),
        (_("Footprint"), {"fields": ("footprint",), "classes": ("collapse",)}),
        (_("Who charges for it"), {"fields": ("charged_by",)}),
    )

    @admin.display(description=_("name"))
    def localized_name(self, meter: Meter) -> str:
        return localized(meter.name, get_language() or "en")

    @admin.display(description=_("plan versions"))
    def charged_by(self, meter: Meter) -> SafeString | str:
        charges = meter.charges.select_related("version__plan").order_by(
            "version__plan__code", "version__number"
        )
        rows = ((str(charge.version), charge.code) for charge in charges)
        return format_html_join(", ", "{} ({})", rows) or "—"

    def get_fieldsets(self, request: HttpRequest, obj: Meter | None = None) -> Fieldsets:
        return self.fieldsets if obj else self.fieldsets[:-1]

    def get_readonly_fields(self, request: HttpRequest, obj: Meter | None = None) -> tuple[str, ...]:
        return ("code", "event_type", "aggregation", "value", "charged_by") if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Meter | None = None) -> bool:
        """A meter without use is archived: events of its type may be stored."""
        return False


def _day(value: date | None) -> str | None:
    return value.isoformat() if value else None


class TaxRateForm(CatalogForm):
    section = "taxes"

    class Meta:
        model = TaxRate
        fields = "__all__"
        help_texts: ClassVar = {
            "valid_from": _(
                "The first day on which it holds. For a new rate, add an entry of the same code that begins on "
                "its day: of those in force, the newest holds."
            )
        }

    def entry(self, data: dict[str, Any]) -> dict[str, Any]:
        entry = super().entry(data)
        return entry | {key: _day(entry.get(key)) for key in ("valid_from", "valid_to")}


@admin.register(TaxRate)
class TaxRateAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    form = TaxRateForm
    list_display = ("code", "name", "country", "category", "rate", "valid_from", "valid_to")
    list_filter = ("country", "category")
    search_fields = ("code", "name")

    def get_readonly_fields(self, request: HttpRequest, obj: TaxRate | None = None) -> tuple[str, ...]:
        return ("code", "valid_from") if obj else ()
