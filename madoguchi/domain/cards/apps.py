from django.apps import AppConfig


class CardsConfig(AppConfig):
    name = "madoguchi.domain.cards"
    label = "cards"

    def ready(self) -> None:
        from madoguchi.ground.kit.sqlfiles import install_after_migrate
        from madoguchi.ground.privacy import registry, retention
        from madoguchi.ground.privacy.registry import SealedColumn

        from . import audit_actions, erasers, models, words  # noqa: F401

        retention.register("cards.people", erasers.erase_people)
        retention.register("cards.words", erasers.erase_words)
        registry.register(
            SealedColumn(models.Card, "person", words.PERSON),
            SealedColumn(models.Move, "words", words.MOVE),
            SealedColumn(models.Difference, "words", words.DIFFERENCE),
        )
        install_after_migrate(self, "functions.sql")
