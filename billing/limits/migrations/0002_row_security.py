"""Row-level security: a transaction sees the rows of its own account only (accounts/scope.py)."""

from django.db import migrations

from accounts.scope import policy

TABLES = [
    "limits_limitversion",
    "limits_alert",
    "limits_reservation",
]


class Migration(migrations.Migration):
    dependencies = [("limits", "0001_initial")]
    operations = [migrations.RunSQL(*policy(table)) for table in TABLES]
