"""Django's `migrate`, as the owner of the tables; it also makes the application's role and its rights."""

from typing import Any

from django.core.management.base import CommandParser
from django.core.management.commands import migrate

from portal.postgres import roles


class Command(migrate.Command):
    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.set_defaults(database="owner")

    def handle(self, *args: Any, **options: Any) -> None:
        roles.ensure()
        super().handle(*args, **options)
        roles.grant()
