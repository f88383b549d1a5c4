from django.apps import AppConfig


class CallFlowConfig(AppConfig):
    name = "madoguchi.domain.callflow"
    label = "callflow"

    def ready(self) -> None:
        from madoguchi.ground.privacy.registry import SealedColumn, register

        from . import audit_actions, models  # noqa: F401

        register(SealedColumn(models.Telephone, "secret", models.PURPOSE))
