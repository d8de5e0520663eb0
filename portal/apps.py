from django.apps import AppConfig, apps


class PortalConfig(AppConfig):
    name = "portal"
    verbose_name = "Plainbill"

    def ready(self) -> None:
        from portal import locale_build
        from portal.checks import system  # noqa: F401  (registers them)

        locale_build.compile_stale()
        apps.get_app_config("account").verbose_name = "Sign-in"  # allauth's, beside our own accounts'
