"""`manage.py worker`: background jobs and the schedule, until SIGTERM or Ctrl-C."""

import asyncio
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from procrastinate.contrib.django import app

from portal.checks.refusing import refuse_unsafe_database, refuse_unsafe_settings
from portal.worker import jobs
from portal.worker.run import work


class Command(BaseCommand):
    help = "Run background jobs and the schedule. Any number of workers may run at once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--no-schedule",
            action="store_false",
            dest="schedule",
            help="alerts and mails only: no period begins and nothing is billed unless asked",
        )

    def handle(self, *args: Any, schedule: bool, **options: Any) -> None:
        refuse_unsafe_settings()
        refuse_unsafe_database()
        queues = jobs.register(app, schedule=schedule)
        asyncio.run(work(app, queues))
