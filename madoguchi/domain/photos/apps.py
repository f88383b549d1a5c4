from django.apps import AppConfig


class PhotosConfig(AppConfig):
    name = "madoguchi.domain.photos"
    label = "photos"

    def ready(self) -> None:
        from madoguchi.domain.notices import recipients as notices
        from madoguchi.ground.privacy import registry, retention
        from madoguchi.ground.privacy.registry import SealedColumn

        from . import audit_actions, erasers, models, officials, services  # noqa: F401

        notices.register("photo_lost", officials.resolve_lost)
        retention.register("photos.pictures", erasers.erase_pictures)
        registry.register(SealedColumn(models.Photo, "sealed", services.PICTURE))
