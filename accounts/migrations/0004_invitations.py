"""Invitations to an account, under row-level security."""

import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.functions.text
import uuid

import accounts.validators
from django.conf import settings
from django.db import migrations, models

from accounts.scope import policy


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0003_activity'),
    ]

    operations = [
        migrations.CreateModel(
            name='Invitation',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('email', models.EmailField(max_length=254)),
                ('name', models.CharField(blank=True, max_length=150, validators=[accounts.validators.single_line])),
                ('role', models.CharField(choices=[('owner', 'owner'), ('billing', 'billing'), ('developer', 'developer'), ('viewer', 'viewer')], max_length=10)),
                ('digest', models.BinaryField(max_length=32, unique=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('expires_at', models.DateTimeField()),
                ('sent_at', models.DateTimeField(editable=False, null=True)),
                ('error', models.CharField(blank=True, max_length=300)),
                ('accepted_at', models.DateTimeField(editable=False, null=True)),
                ('withdrawn_at', models.DateTimeField(editable=False, null=True)),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='invitations', to='accounts.account')),
                ('invited_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['created_at'],
                'constraints': [models.UniqueConstraint(models.F('account'), django.db.models.functions.text.Lower('email'), condition=models.Q(('accepted_at', None), ('withdrawn_at', None)), name='one_open_invitation')],
            },
        ),
        migrations.RunSQL(*policy("accounts_invitation")),
    ]
