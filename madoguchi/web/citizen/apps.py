from django.apps import AppConfig


class CitizenConfig(AppConfig):
    name = "madoguchi.web.citizen"
    label = "citizen"
