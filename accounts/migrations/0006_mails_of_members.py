from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_user_language"),
    ]

    operations = [
        migrations.AddField(
            model_name="membership",
            name="mails",
            field=models.JSONField(
                blank=True, help_text="As the person chose; null: the role's usual ones", null=True
            ),
        ),
    ]
