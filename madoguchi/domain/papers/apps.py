from django.apps import AppConfig


class PapersConfig(AppConfig):
    name = "madoguchi.domain.papers"
    label = "papers"

    def ready(self) -> None:
        from madoguchi.domain.notices import recipients

        from . import audit_actions, officials  # noqa: F401

        recipients.register("paper", officials.resolve)
