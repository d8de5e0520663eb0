"""Levels by day, and reads from events until `sync_rollups` has made the totals of those meters anew."""

import django.db.models.deletion
from django.db import migrations, models

from accounts.scope import policy

QUANTITY = {"max_digits": 1000, "decimal_places": 12}
# Of `unique` the shape's dimensions tell that they lack the value.
NOT_READY = """UPDATE usage_rollupshape SET ready = NULL WHERE aggregation IN ('latest', 'time_weighted')"""
ROOM = "ALTER TABLE usage_daylevel SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02)"


def reference(model: str) -> models.ForeignKey:
    return models.ForeignKey(
        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=model
    )


class Migration(migrations.Migration):
    dependencies = [("usage", "0004_retention"), ("plans", "0001_initial"), ("accounts", "0001_initial")]
    operations = [
        migrations.CreateModel(
            name="DayLevel",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "account_id",
                        "meter_id",
                        "day",
                        "key",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("day", models.DateField()),
                ("key", models.UUIDField()),
                ("dimensions", models.JSONField(default=dict)),
                ("first_at", models.DateTimeField()),
                ("last_at", models.DateTimeField()),
                ("last_received_at", models.DateTimeField()),
                ("last_source", models.CharField(db_collation="C", max_length=256)),
                ("last_event_id", models.CharField(db_collation="C", max_length=256)),
                ("level", models.DecimalField(**QUANTITY)),
                ("moved", models.DecimalField(**QUANTITY)),
                ("account", reference("accounts.account")),
                ("meter", reference("plans.meter")),
            ],
            options={
                "indexes": [models.Index(fields=["account", "meter", "key", "day"], name="level_by_key")]
            },
        ),
        migrations.RunSQL(*policy("usage_daylevel")),
        migrations.RunSQL(ROOM, migrations.RunSQL.noop),
        migrations.RunSQL(NOT_READY, migrations.RunSQL.noop),
    ]
