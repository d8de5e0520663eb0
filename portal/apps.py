from django.apps import AppConfig, apps


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
        apps.get_app_config("account").verbose_name = "Sign-in"  # allauth's, beside our own accounts'
