from django.apps import AppConfig


class ReceptionConfig(AppConfig):
    name = "madoguchi.domain.reception"
    label = "reception"

    def ready(self) -> None:
        from madoguchi.domain.notices import recipients as notices
        from madoguchi.ground.kit.sqlfiles import install_after_migrate
        from madoguchi.ground.privacy import registry, retention
        from madoguchi.ground.privacy.registry import SealedColumn

        from . import audit_actions, erasers, models, near, pack  # noqa: F401

        install_after_migrate(self, "functions.sql")

        notices.register("ticket", near.resolve)
        retention.register("reception.addresses", erasers.erase_addresses)
        retention.register("reception.packs", erasers.erase_packs)
        registry.register(
            SealedColumn(models.Ticket, "address", near.ADDRESS), SealedColumn(models.Pack, "content", pack.CONTENT)
        )
