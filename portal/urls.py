"""Every address of the site."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from portal.views.brand import show_logo, theme_css
from portal.views.stripe_news import stripe_news

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="portal:overview")),
    path("", include("portal.health")),
    path("billing/", include("portal.views.urls")),
    path("brand/theme.css", theme_css, name="theme_css"),
    path("brand/logo", show_logo, name="brand_logo"),
    path("webhooks/stripe/", stripe_news, name="stripe_news"),
    path("admin/", admin.site.urls),
    path("accounts/sessions/", RedirectView.as_view(pattern_name="portal:sessions")),
    path("accounts/email/", RedirectView.as_view(pattern_name="portal:settings")),  # staff change addresses
    path("accounts/", include("allauth.urls")),
    path("api/v1/", include("portal.api.urls")),
    path("api/docs/", include("portal.api.docs")),
]

handler400 = "portal.api.handlers.bad_request"
handler403 = "portal.api.handlers.permission_denied"
handler404 = "portal.api.handlers.page_not_found"
handler500 = "portal.api.handlers.server_error"
