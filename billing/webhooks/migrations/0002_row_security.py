"""Row-level security: a transaction sees the rows of its own account only (accounts/scope.py).

Rows without an account are the installation's, and are seen in its scope alone.
"""

from django.db import migrations

from accounts.scope import policy

TABLES = [
    "webhooks_endpoint",
    "webhooks_secret",
    "webhooks_message",
    "webhooks_delivery",
]


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0001_initial")]
    operations = [migrations.RunSQL(*policy(table)) for table in TABLES]
