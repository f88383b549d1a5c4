from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "madoguchi.ground.audit"
    label = "audit"

    def ready(self) -> None:
        from madoguchi.ground.kit.sqlfiles import install_after_migrate

        from . import audit_actions  # noqa: F401

        install_after_migrate(self, "functions.sql")
