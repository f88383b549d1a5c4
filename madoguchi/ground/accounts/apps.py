from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "madoguchi.ground.accounts"
    label = "accounts"
