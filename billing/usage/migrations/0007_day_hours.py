"""How the days of an account lie on their hours: the worker counts the last four weeks in its first night."""

import django.db.models.deletion
from django.db import migrations, models

from accounts.scope import policy


class Migration(migrations.Migration):
    dependencies = [("usage", "0006_sent_by_key"), ("accounts", "0001_initial")]
    operations = [
        migrations.CreateModel(
            name="DayHours",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "account_id", "day", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("day", models.DateField()),
                ("timezone", models.CharField(max_length=64)),
                ("hours", models.JSONField(default=list)),
                ("counted_at", models.DateTimeField()),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.account",
                    ),
                ),
            ],
        ),
        migrations.RunSQL(*policy("usage_dayhours")),
    ]
