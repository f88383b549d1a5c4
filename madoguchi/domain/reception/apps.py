from django.apps import AppConfig


class ReceptionConfig(AppConfig):
    name = "madoguchi.domain.reception"
    label = "reception"

    def ready(self) -> None:
        from madoguchi.domain.notices import recipients as notices
        from madoguchi.ground.privacy import registry, retention
        from madoguchi.ground.privacy.registry import SealedColumn

        from . import audit_actions, erasers, models, near  # noqa: F401

        notices.register("ticket", near.resolve)
        retention.register("reception.addresses", erasers.erase_addresses)
        registry.register(SealedColumn(models.Ticket, "address", near.ADDRESS))
