from django.apps import AppConfig


class LimitsConfig(AppConfig):
    name = "billing.limits"
    label = "limits"
