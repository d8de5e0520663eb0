"""Events as staff look at them: one text key for each, for the admin's pages."""

from django.db import migrations, models

FORWARD = """
CREATE VIEW usage_eventrow WITH (security_invoker = true) AS
SELECT account_id || '/' || octet_length(source) || '/' || source || '/' || event_id AS key,
       account_id, source, event_id, type, "time", timed, received_at, revision, voided, data
FROM usage_event
"""


class Migration(migrations.Migration):
    dependencies = [("usage", "0002_rows_and_functions"), ("accounts", "0001_initial")]
    operations = [
        migrations.RunSQL(FORWARD, "DROP VIEW usage_eventrow"),
        migrations.CreateModel(
            name="EventRow",
            fields=[
                ("key", models.TextField(primary_key=True, serialize=False)),
                ("source", models.CharField(max_length=256)),
                ("event_id", models.CharField(max_length=256)),
                ("type", models.CharField(max_length=200)),
                ("time", models.DateTimeField()),
                ("timed", models.BooleanField()),
                ("received_at", models.DateTimeField()),
                ("revision", models.PositiveIntegerField()),
                ("voided", models.BooleanField()),
                ("data", models.JSONField()),
                (
                    "account",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=models.deletion.DO_NOTHING,
                        related_name="+",
                        to="accounts.account",
                    ),
                ),
            ],
            options={
                "verbose_name": "event",
                "db_table": "usage_eventrow",
                "managed": False,
                "default_permissions": ("view",),
            },
        ),
    ]
