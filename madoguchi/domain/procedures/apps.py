from django.apps import AppConfig


class ProceduresConfig(AppConfig):
    name = "madoguchi.domain.procedures"
    label = "procedures"

    def ready(self) -> None:
        from . import audit_actions  # noqa: F401
