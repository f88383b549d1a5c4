from django.apps import AppConfig


class NoticesConfig(AppConfig):
    name = "madoguchi.domain.notices"
    label = "notices"
