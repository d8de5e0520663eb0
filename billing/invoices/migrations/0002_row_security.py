"""Row-level security: a transaction sees the rows of its own account only (accounts/scope.py)."""

from django.db import migrations

from accounts.scope import policy

TABLES = [
    "invoices_invoice",
    "invoices_invoiceline",
    "invoices_invoicedocument",
    "invoices_payment",
]


class Migration(migrations.Migration):
    dependencies = [("invoices", "0001_initial")]
    operations = [migrations.RunSQL(*policy(table)) for table in TABLES]
