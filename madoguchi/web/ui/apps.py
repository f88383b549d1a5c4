from django.apps import AppConfig


class UiConfig(AppConfig):
    name = "madoguchi.web.ui"
    label = "ui"

    def ready(self) -> None:
        from . import locale_info

        locale_info.install()
