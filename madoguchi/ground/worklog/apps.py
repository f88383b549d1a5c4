from django.apps import AppConfig


class WorklogConfig(AppConfig):
    name = "madoguchi.ground.worklog"
    label = "worklog"

    def ready(self) -> None:
        from madoguchi.ground.kit.sqlfiles import install_after_migrate

        install_after_migrate(self, "functions.sql")
