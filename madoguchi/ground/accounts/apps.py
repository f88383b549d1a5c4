from django.apps import AppConfig
from django.db.models.signals import post_migrate


def _cache_table(**kwargs: object) -> None:
    from django.core.management import call_command

    call_command("createcachetable", verbosity=0)


class AccountsConfig(AppConfig):
    name = "madoguchi.ground.accounts"
    label = "accounts"

    def ready(self) -> None:
        from madoguchi.ground.kit.sqlfiles import install_after_migrate
        from madoguchi.ground.privacy import registry

        from . import audit_actions, keys, models, receivers  # noqa: F401

        install_after_migrate(self, "functions.sql")
        receivers.connect()
        registry.register(registry.SealedColumn(models.ApiKey, "signing", keys.SEALED_FOR))
        post_migrate.connect(_cache_table, sender=self, dispatch_uid="cache table of rate limits")
