from django.apps import AppConfig


class OfficeConfig(AppConfig):
    name = "madoguchi.web.office"
    label = "office"

    def ready(self) -> None:
        from . import mailbox  # noqa: F401
