from django.apps import AppConfig


class PrivacyConfig(AppConfig):
    name = "madoguchi.ground.privacy"
    label = "privacy"
