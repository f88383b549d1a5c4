from django.apps import AppConfig


class CallFlowConfig(AppConfig):
    name = "madoguchi.domain.callflow"
    label = "callflow"

    def ready(self) -> None:
        from . import audit_actions  # noqa: F401
