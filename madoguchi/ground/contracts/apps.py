from django.apps import AppConfig
from django.db.models.signals import post_migrate


def _walls(**kwargs: object) -> None:
    from .tenancy import install_walls

    install_walls()


class ContractsConfig(AppConfig):
    name = "madoguchi.ground.contracts"
    label = "contracts"

    def ready(self) -> None:
        post_migrate.connect(_walls, dispatch_uid="tenant walls")
