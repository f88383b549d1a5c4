from django.apps import AppConfig


class HandoverConfig(AppConfig):
    name = "madoguchi.domain.handover"
    label = "handover"

    def ready(self) -> None:
        from madoguchi.ground.privacy import retention
        from madoguchi.ground.privacy.registry import SealedColumn, register

        from . import archive, audit_actions, models  # noqa: F401
        from .services import packages

        register(SealedColumn(models.PackagePart, "content", archive.PART))
        retention.register("handover.packages", packages.drop_old)
