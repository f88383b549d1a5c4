from django.apps import AppConfig


class ProceduresConfig(AppConfig):
    name = "madoguchi.domain.procedures"
    label = "procedures"
