"""The host's own look: a style sheet and a logo, both cached by their content."""

from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csp import csp_override
from django.views.decorators.http import require_safe

from accounts.middleware import own_scope
from portal.theme import LOGOS, css

AGE: Final = "public, max-age=31536000, immutable"
"""Their addresses carry a mark of what they hold."""


@cache
def style() -> str:
    """The style sheet, or "" where the portal's own is all."""
    return css(settings.THEME) if settings.THEME.any else ""


@cache
def logo() -> bytes:
    return Path(settings.THEME.logo).read_bytes() if settings.THEME.logo else b""


def mark(content: bytes) -> str:
    """Another one for other content; "" for none."""
    return sha256(content).hexdigest()[:12] if content else ""


@require_safe
@own_scope
def theme_css(request: HttpRequest) -> HttpResponse:
    return _cached(style().encode(), "text/css; charset=utf-8")


@require_safe
@own_scope
@csp_override({"default-src": ["'none'"], "style-src": ["'unsafe-inline'"], "sandbox": True})  # type: ignore[dict-item]
def show_logo(request: HttpRequest) -> HttpResponse:
    """Opened by itself an SVG is a page: it may neither run nor ask for anything."""
    return _cached(logo(), LOGOS.get(Path(settings.THEME.logo).suffix.lower(), ""))


def _cached(content: bytes, media: str) -> HttpResponse:
    if not content:
        raise Http404
    return HttpResponse(content, content_type=media, headers={"Cache-Control": AGE})
