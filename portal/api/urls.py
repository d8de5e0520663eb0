"""Every address under /api/v1/ (contract, section 8)."""

from django.urls import path

from portal.api.docs import openapi
from portal.api.views.accounts import AccountsView, AccountView
from portal.api.views.catalog import CatalogView, MetersView, PlansView
from portal.api.views.events import events
from portal.api.views.limits import AllowanceView, LimitView
from portal.api.views.subscriptions import ChangesView, SubscriptionsView, SubscriptionView

urlpatterns = [
    path("openapi.json", openapi, name="openapi"),
    path("events", events, name="events"),
    path("meters", MetersView.as_view()),
    path("plans", PlansView.as_view()),
    path("catalog", CatalogView.as_view()),
    path("accounts", AccountsView.as_view()),
    path("accounts/<str:account>", AccountView.as_view()),
    path("accounts/<str:account>/subscriptions", SubscriptionsView.as_view()),
    path("accounts/<str:account>/allowance", AllowanceView.as_view()),
    path("accounts/<str:account>/limit", LimitView.as_view()),
    path("subscriptions/<uuid:subscription>", SubscriptionView.as_view()),
    path("subscriptions/<uuid:subscription>/changes", ChangesView.as_view()),
]
