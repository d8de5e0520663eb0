"""The portal's own addresses, below /billing/."""

from django.urls import path
from django.views.i18n import set_language

from portal.views import (
    account,
    exports,
    invoices,
    limits,
    overview,
    plan,
    settings,
    upcoming,
    usage,
    webhooks,
)
from portal.views.live import live

app_name = "portal"
urlpatterns = [
    path("", overview.show_overview, name="overview"),
    path("live/", live, name="live"),
    path("switch/", account.switch, name="switch"),
    path("language/", set_language, name="language"),
    path("usage/", usage.show_usage, name="usage"),
    path("usage.csv", usage.download, name="usage_csv"),
    path("limits/", limits.show_limits, name="limits"),
    path("limits/check/", limits.check, name="limit_check"),
    path("limits/confirm/", limits.confirm, name="limit_confirm"),
    path("limits/drill/", limits.drill, name="limit_drill"),
    path("limits/receipts/<uuid:stop>/", limits.show_receipt, name="limit_receipt"),
    path("invoices/", invoices.show_list, name="invoices"),
    path("invoices/<str:number>.pdf", invoices.pdf, name="invoice_pdf"),
    path("invoices/<str:number>.ubl.xml", invoices.ubl, name="invoice_ubl"),
    path("invoices/<str:number>.xml", invoices.cii, name="invoice_cii"),
    path("plainbill-verify.pyz", invoices.verify_program, name="verify_program"),
    path("invoices/<str:number>/check/", invoices.check, name="invoice_check"),
    path("invoices/<str:number>/proof.zip", invoices.proof, name="invoice_proof"),
    path("invoices/<str:number>/", invoices.show_invoice, name="invoice"),
    path("invoices/<str:number>/lines/<uuid:line>/", invoices.show_line, name="invoice_line"),
    path("exports/", exports.show_exports, name="exports"),
    path("exports/invoices.zip", exports.invoices_zip, name="invoices_zip"),
    path("exports/accounting.csv", exports.accounting, name="accounting_csv"),
    path("exports/focus.csv", exports.focus, name="focus_csv"),
    path("exports/greenbutton.xml", exports.greenbutton, name="greenbutton"),
    path("exports/usage.csv", exports.usage, name="usage_export"),
    path("upcoming/", upcoming.show_upcoming, name="upcoming"),
    path("plan/", plan.show_plan, name="plan"),
    path("plan/change/<str:code>/", plan.quote, name="plan_quote"),
    path("plan/change/<str:code>/confirm/", plan.confirm, name="plan_confirm"),
    path("plan/take-back/", plan.take_back_change, name="plan_take_back"),
    path("plan/cancel/", plan.cancel_plan, name="plan_cancel"),
    path("plan/coupon/", plan.redeem_coupon, name="plan_coupon"),
    path("plan/reactivate/", plan.reactivate_plan, name="plan_reactivate"),
    path("settings/", settings.show_settings, name="settings"),
    path("settings/webhooks/", webhooks.show_webhooks, name="webhooks"),
    path("settings/webhooks/<uuid:webhook>/", webhooks.show_webhook, name="webhook"),
    path("settings/webhooks/<uuid:webhook>/act/", webhooks.act, name="webhook_act"),
    path("settings/webhooks/<uuid:webhook>/again/", webhooks.again, name="webhook_again"),
]
