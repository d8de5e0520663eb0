from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "portal"
    verbose_name = "Plainbill"

    def ready(self) -> None:
        from portal import (
            locale_build,
            sign_in,  # noqa: F401  (hears of recovery codes that are used)
        )
        from portal.checks import system  # noqa: F401  (registers them)

        locale_build.compile_stale()
