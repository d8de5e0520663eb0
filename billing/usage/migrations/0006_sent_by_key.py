"""How many events each of an account's own keys sent, from now on."""

import django.db.models.deletion
from django.db import migrations, models

from accounts.scope import policy

# Each batch changes the key's row of the day: room in its page, so that no index is touched.
ROOM = "ALTER TABLE usage_sentbykey SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02)"


def reference(model: str) -> models.ForeignKey:
    return models.ForeignKey(
        db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to=model
    )


class Migration(migrations.Migration):
    dependencies = [("usage", "0005_day_levels"), ("accounts", "0001_initial")]
    operations = [
        migrations.CreateModel(
            name="SentByKey",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "api_key_id", "day", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("day", models.DateField()),
                ("events", models.BigIntegerField()),
                ("account", reference("accounts.account")),
                ("api_key", reference("accounts.apikey")),
            ],
        ),
        migrations.RunSQL(*policy("usage_sentbykey")),
        migrations.RunSQL(ROOM, migrations.RunSQL.noop),
    ]
