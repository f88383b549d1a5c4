from django.apps import AppConfig


class PapersConfig(AppConfig):
    name = "madoguchi.domain.papers"
    label = "papers"

    def ready(self) -> None:
        from . import audit_actions  # noqa: F401
