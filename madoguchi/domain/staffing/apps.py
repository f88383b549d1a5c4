from django.apps import AppConfig


class StaffingConfig(AppConfig):
    name = "madoguchi.domain.staffing"
    label = "staffing"

    def ready(self) -> None:
        from . import audit_actions  # noqa: F401
