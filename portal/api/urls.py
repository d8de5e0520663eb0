"""Every address under /api/v1/ (contract, section 8)."""

from django.urls import path

from accounts.middleware import own_scope
from portal.api.docs import openapi
from portal.api.views.accounts import AccountsView, AccountView
from portal.api.views.catalog import CatalogView, MetersView, PlansView
from portal.api.views.coupons import CouponsView
from portal.api.views.events import events
from portal.api.views.exports import AccountingView, ArchiveView, FocusView, GreenButtonView, UsageCsvView
from portal.api.views.invoices import (
    InvoiceCiiView,
    InvoicePdfView,
    InvoiceProofView,
    InvoicesView,
    InvoiceUblView,
    InvoiceView,
    LineEventsView,
)
from portal.api.views.limits import AllowanceView, LimitView
from portal.api.views.portal_links import PortalLinksView
from portal.api.views.reservations import CommitView, ReservationsView, ReservationView
from portal.api.views.simulation import SimulationView
from portal.api.views.subscriptions import ChangesView, ReactivateView, SubscriptionsView, SubscriptionView
from portal.api.views.usage import SpendView, UsageView
from portal.api.views.webhooks import (
    WebhookDeliveriesView,
    WebhookRetryView,
    WebhookSecretView,
    WebhooksView,
    WebhookTestView,
    WebhookView,
)

urlpatterns = [
    path("openapi.json", openapi, name="openapi"),
    path("events", events, name="events"),
    path("meters", MetersView.as_view()),
    path("plans", PlansView.as_view()),
    path("catalog", CatalogView.as_view()),
    path("accounts", AccountsView.as_view()),
    path("accounts/<str:account>", AccountView.as_view()),
    path("accounts/<str:account>/subscriptions", SubscriptionsView.as_view()),
    path("accounts/<str:account>/allowance", own_scope(AllowanceView.as_view())),
    path("accounts/<str:account>/reservations", own_scope(ReservationsView.as_view())),
    path("reservations/<uuid:reservation>", ReservationView.as_view()),
    path("reservations/<uuid:reservation>/commit", CommitView.as_view()),
    path("accounts/<str:account>/limit", LimitView.as_view()),
    path("accounts/<str:account>/usage", UsageView.as_view()),
    path("accounts/<str:account>/spend", SpendView.as_view()),
    path("accounts/<str:account>/simulation", SimulationView.as_view()),
    path("accounts/<str:account>/portal-links", PortalLinksView.as_view()),
    path("accounts/<str:account>/coupons", CouponsView.as_view()),
    path("accounts/<str:account>/invoices", InvoicesView.as_view()),
    path("accounts/<str:account>/exports/focus.csv", FocusView.as_view()),
    path("accounts/<str:account>/exports/usage.csv", UsageCsvView.as_view()),
    path("accounts/<str:account>/exports/accounting.csv", AccountingView.as_view()),
    path("accounts/<str:account>/exports/greenbutton.xml", GreenButtonView.as_view()),
    path("accounts/<str:account>/exports/invoices.zip", ArchiveView.as_view()),
    path("invoices/<str:number>.pdf", InvoicePdfView.as_view()),
    path("invoices/<str:number>.ubl.xml", InvoiceUblView.as_view()),
    path("invoices/<str:number>.xml", InvoiceCiiView.as_view()),
    path("invoices/<str:number>", InvoiceView.as_view()),
    path("invoices/<str:number>/proof.zip", InvoiceProofView.as_view()),
    path("invoices/<str:number>/lines/<uuid:line>/events", LineEventsView.as_view()),
    path("subscriptions/<uuid:subscription>", SubscriptionView.as_view()),
    path("subscriptions/<uuid:subscription>/changes", ChangesView.as_view()),
    path("subscriptions/<uuid:subscription>/reactivate", ReactivateView.as_view()),
    path("webhooks", WebhooksView.as_view()),
    path("webhooks/<uuid:webhook>", WebhookView.as_view()),
    path("webhooks/<uuid:webhook>/secret", WebhookSecretView.as_view()),
    path("webhooks/<uuid:webhook>/test", WebhookTestView.as_view()),
    path("webhooks/<uuid:webhook>/deliveries", WebhookDeliveriesView.as_view()),
    path("webhooks/<uuid:webhook>/deliveries/<uuid:delivery>/retry", WebhookRetryView.as_view()),
]
