"""Redemptions of coupons, under row-level security like every table with an account."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

from accounts.scope import policy


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
        ("plans", "0004_published_stays"),
    ]
    operations = [
        migrations.CreateModel(
            name="Redemption",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("percent", models.DecimalField(decimal_places=6, max_digits=9, null=True)),
                ("amount", models.DecimalField(decimal_places=12, max_digits=38, null=True)),
                ("periods", models.PositiveIntegerField(null=True)),
                ("redeemed_at", models.DateTimeField()),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="redemptions",
                        to="accounts.account",
                    ),
                ),
                (
                    "coupon",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="redemptions",
                        to="plans.coupon",
                    ),
                ),
            ],
            options={"ordering": ["redeemed_at", "id"]},
        ),
        migrations.AddConstraint(
            model_name="redemption",
            constraint=models.UniqueConstraint(fields=("account", "coupon"), name="coupon_redeemed_once"),
        ),
        migrations.RunSQL(*policy("plans_redemption")),
    ]
