from django.apps import AppConfig


class WorklistsConfig(AppConfig):
    name = "madoguchi.domain.worklists"
    label = "worklists"

    def ready(self) -> None:
        from . import audit_actions  # noqa: F401
