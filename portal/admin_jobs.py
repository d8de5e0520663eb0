"""The worker's jobs for staff. The library's own list sets styles in its elements, which the content security policy
holds back; here are plain columns.
"""

from django.contrib import admin
from django.utils import timezone
from django.utils.formats import localize
from procrastinate.contrib.django.admin import ProcrastinateJobAdmin
from procrastinate.contrib.django.models import ProcrastinateJob

admin.site.unregister(ProcrastinateJob)


@admin.register(ProcrastinateJob)
class JobAdmin(ProcrastinateJobAdmin):
    fields = [
        "task_name",
        "args",
        "pretty_status",
        "queue_name",
        "lock",
        "queueing_lock",
        "priority",
        "scheduled_at",
        "attempts",
    ]
    list_display = [
        "pk",
        "task_name",
        "args",
        "pretty_status",
        "lock",
        "scheduled_at",
        "attempts",
        "last_event",
    ]

    @admin.display(description="last event")
    def last_event(self, job: ProcrastinateJob) -> str:
        event = job.procrastinateevent_set.first()  # the newest, by the query of the library
        return f"{event.type}, {localize(timezone.localtime(event.at))}" if event else ""
