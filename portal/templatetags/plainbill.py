"""Filters and marks of the portal's templates: each is one function of formats.py, dates.py or an icon."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal

from django import template
from django.conf import settings
from django.forms import BoundField
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from portal import dates, formats
from portal.passkeys import how_many
from portal.views import brand as looks

register = template.Library()
register.simple_tag(how_many, name="passkeys")

_CIRCLE = '<circle cx="8" cy="8" r="6.2"/>'
ICONS = {
    "warn": '<path d="M8 2.2 14.5 13.5h-13zM8 6.5v3.2M8 11.7v.1"/>',
    "clock": _CIRCLE + '<path d="M8 4.6V8l2.3 1.6"/>',
    "info": _CIRCLE + '<path d="M8 7.4v3.6M8 5v.1"/>',
    "ok": '<path d="M3.5 8.5l3 3 6-7"/>',
    "bad": _CIRCLE + '<path d="M5.8 5.8l4.4 4.4M10.2 5.8l-4.4 4.4"/>',
    "stop": _CIRCLE + '<path d="M5 8h6"/>',
    "card": '<rect x="2" y="3.8" width="12" height="8.4" rx="1"/><path d="M2 6.8h12"/>',
    "wait": _CIRCLE + '<path d="M5 8h.1M8 8h.1M11 8h.1"/>',
}


@register.simple_tag
def icon(name: str) -> SafeString:
    """A small sign that stands beside its word; hidden from screen readers."""
    drawing = mark_safe(ICONS[name])  # noqa: S308  # a constant of this module
    return format_html('<svg class="icon" viewBox="0 0 16 16" aria-hidden="true">{}</svg>', drawing)


@register.simple_tag
def brand() -> str:
    """Whose portal this is: the seller's name."""
    return settings.SELLER.name


@register.simple_tag
def theme_url() -> str:
    """The host's own style sheet; "" where there is none."""
    mark = looks.mark(looks.style().encode())
    return reverse("theme_css", query={"v": mark}) if mark else ""


@register.simple_tag
def logo_url() -> str:
    """The host's logo; "" where the portal's sign stands."""
    mark = looks.mark(looks.logo())
    return reverse("brand_logo", query={"v": mark}) if mark else ""


@register.simple_tag
def swatch(css: str) -> SafeString:
    """The colour of a series, as in the charts."""
    return format_html(
        '<svg class="sw" viewBox="0 0 12 12" aria-hidden="true">'
        '<rect class="{}" width="12" height="12" rx="2"/></svg>',
        css,
    )


@register.filter
def styled(field: BoundField) -> SafeString:
    """A form field with the style of the portal, its hint and its error named for screen readers."""
    described = []
    if field.help_text:
        described.append(f"{field.id_for_label}_helptext")
    attrs: dict[str, str | bool] = {"class": "in"}
    if field.errors:
        described.append(f"{field.id_for_label}_error")
        attrs["aria-invalid"] = "true"
    if described:
        attrs["aria-describedby"] = " ".join(described)
    return field.as_widget(attrs=attrs)


@register.filter
def money(amount: Decimal, currency: str) -> str:
    return formats.money(amount, currency)


@register.filter
def money_signed(amount: Decimal, currency: str) -> str:
    return formats.money_signed(amount, currency)


@register.filter
def money_short(amount: Decimal, currency: str) -> str:
    return formats.money_short(amount, currency)


@register.filter
def number(value: Decimal | int) -> str:
    return formats.number(value)


@register.filter
def quantity(value: Decimal) -> str:
    return formats.quantity(value)


@register.filter
def quantity_signed(value: Decimal) -> str:
    """A difference: with a plus sign when it is above zero."""
    text = formats.quantity(value)
    return f"+{text}" if value > 0 else text


@register.filter
def fallen(value: Decimal) -> Decimal:
    """What is gone, as a difference."""
    return -value


@register.filter
def percent(share: Decimal) -> str:
    return formats.percent(share)


@register.filter
def day(value: date | datetime, form: str = "yMMMd") -> str:
    return dates.day(value, form)


@register.filter
def day_long(value: date | datetime) -> SafeString:
    """ "1 November", French "1" with its raised "er"."""
    return dates.day_html(value)


@register.filter
def month(value: date) -> str:
    return dates.month(value)


@register.filter
def clock(instant: datetime) -> str:
    return dates.time(instant, seconds=True)


@register.filter
def clock_short(instant: datetime) -> str:
    return dates.time(instant)


@register.filter
def moment(instant: datetime, form: str = "MMMd") -> str:
    return dates.moment(instant, form)


@register.filter
def moment_short(instant: datetime) -> str:
    """With its year, without seconds."""
    return dates.moment(instant, "yMMMd", seconds=False)


@register.filter
def text_of(texts: Mapping[str, str]) -> str:
    """A name from the catalogue."""
    return formats.text_of(texts)


@register.filter
def at(items: Sequence[object], place: int) -> object:
    return items[place]


@register.filter
def interval_words(interval: str) -> str:
    """ "a month", as it follows a price."""
    return formats.interval_words(interval)


@register.filter
def stamp(value: date | datetime) -> str:
    """The machine's form, for `<time datetime>`: instants in the zone in force."""
    return dates.local(value).isoformat() if isinstance(value, datetime) else value.isoformat()
