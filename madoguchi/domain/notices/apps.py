from django.apps import AppConfig


class NoticesConfig(AppConfig):
    name = "madoguchi.domain.notices"
    label = "notices"

    def ready(self) -> None:
        from madoguchi.ground.kit.sqlfiles import install_after_migrate

        from . import audit_actions, erasers, officials, recipients  # noqa: F401

        recipients.register("stop", officials.resolve)
        install_after_migrate(self, "functions.sql")
