from django.apps import AppConfig


class CallcentreConfig(AppConfig):
    name = "madoguchi.web.callcentre"
    label = "callcentre"
