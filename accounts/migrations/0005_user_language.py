from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_invitations"),
    ]

    operations = [
        migrations.AddField(
            model_name="user",
            name="language",
            field=models.CharField(
                blank=True,
                default="",
                help_text="As the person chose; else the account's",
                max_length=10,
                verbose_name="language",
            ),
            preserve_default=False,
        ),
    ]
