"""Row-level security: a transaction sees the rows of its own account only (accounts/scope.py)."""

from django.db import migrations

from accounts.scope import policy

TABLES = [
    "plans_subscription",
    "plans_phase",
    "plans_period",
    "plans_scheduledchange",
    "plans_pendingline",
    "plans_quote",
]


class Migration(migrations.Migration):
    dependencies = [("plans", "0001_initial")]
    operations = [migrations.RunSQL(*policy(table)) for table in TABLES]
