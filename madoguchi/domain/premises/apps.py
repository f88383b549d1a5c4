from django.apps import AppConfig


class PremisesConfig(AppConfig):
    name = "madoguchi.domain.premises"
    label = "premises"

    def ready(self) -> None:
        from madoguchi.domain.notices import recipients as notices

        from . import audit_actions, officials  # noqa: F401

        notices.register("late_list", officials.resolve_late_list)
