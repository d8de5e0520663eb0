"""One table, one row for each event."""

from django.db import models


class Event(models.Model):
    subject = models.CharField(max_length=100, db_index=True)
    event_id = models.CharField(max_length=256)
    type = models.CharField(max_length=200)
    time = models.DateTimeField(db_index=True)
    tokens = models.DecimalField(max_digits=38, decimal_places=12)
    data = models.JSONField()

    class Meta:
        app_label = "naive"
