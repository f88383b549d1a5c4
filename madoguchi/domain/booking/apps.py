from django.apps import AppConfig


class BookingConfig(AppConfig):
    name = "madoguchi.domain.booking"
    label = "booking"

    def ready(self) -> None:
        from madoguchi.domain.notices import recipients as notices
        from madoguchi.ground.kit.sqlfiles import install_after_migrate
        from madoguchi.ground.privacy import registry, retention
        from madoguchi.ground.privacy.registry import SealedColumn

        from . import (
            audit_actions,  # noqa: F401
            erasers,
            models,
            party,
            recipients,
        )
        from .services import deliveries

        notices.register("booking", recipients.resolve)
        notices.register("receipt", recipients.resolve_receipt)
        retention.register("booking.people", erasers.erase_people)
        retention.register("booking.fields", erasers.erase_fields)
        retention.register("booking.cards", erasers.erase_cards)
        retention.register("booking.line_codes", erasers.erase_line_codes)
        retention.register("booking.deliveries", erasers.erase_deliveries)
        registry.register(
            SealedColumn(models.Booking, "contact", party.CONTACT),
            SealedColumn(models.Booking, "line", party.LINE),
            SealedColumn(models.Attendee, "person", party.PERSON),
            SealedColumn(models.Event, "sealed", party.EVENT),
            SealedColumn(models.Delivery, "content", deliveries.CONTENT),
        )
        install_after_migrate(self, "functions.sql")
