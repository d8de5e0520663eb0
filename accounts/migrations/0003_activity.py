"""Who changed what: under row-level security, and only ever added to (accounts/sql/activity.sql)."""

from pathlib import Path

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from accounts.scope import policy

SQL = Path(__file__).resolve().parent.parent / "sql"
BACKWARD = """
DROP TRIGGER kept_activity_stays ON accounts_activity;
DROP TRIGGER kept_activities_stay ON accounts_activity;
DROP FUNCTION accounts_refuse_change();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0002_billing_details'),
    ]

    operations = [
        migrations.CreateModel(
            name='Activity',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('deed', models.CharField(max_length=30)),
                ('by', models.CharField(choices=[('member', 'member'), ('key', 'API key'), ('staff', 'staff'), ('system', 'system')], max_length=10)),
                ('by_name', models.CharField(blank=True, max_length=254)),
                ('by_email', models.CharField(blank=True, max_length=254)),
                ('details', models.JSONField(default=dict)),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.account')),
                ('user', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name_plural': 'activities',
                'ordering': ['-id'],
                'indexes': [models.Index(fields=['account', '-id'], name='activity_of_account')],
            },
        ),
        migrations.RunSQL(*policy("accounts_activity")),
        migrations.RunSQL((SQL / "activity.sql").read_text(), BACKWARD),
    ]
