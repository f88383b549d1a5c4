from django.apps import AppConfig


class ForecastConfig(AppConfig):
    name = "madoguchi.domain.forecast"
    label = "forecast"

    def ready(self) -> None:
        from . import audit_actions  # noqa: F401
