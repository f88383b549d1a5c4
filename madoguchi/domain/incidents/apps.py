from django.apps import AppConfig


class IncidentsConfig(AppConfig):
    name = "madoguchi.domain.incidents"
    label = "incidents"

    def ready(self) -> None:
        from madoguchi.domain.notices import recipients
        from madoguchi.ground.kit.sqlfiles import install_after_migrate
        from madoguchi.ground.privacy import registry, retention
        from madoguchi.ground.privacy.registry import SealedColumn

        from . import audit_actions, erasers, models, officials, words  # noqa: F401

        install_after_migrate(self, "functions.sql")
        recipients.register("incident", officials.resolve)
        retention.register("incidents.words", erasers.erase_words)
        registry.register(
            SealedColumn(models.Incident, "words", words.INCIDENT),
            SealedColumn(models.Line, "words", words.LINE),
            SealedColumn(models.Prevention, "words", words.PREVENTION),
            SealedColumn(models.LegalRecord, "words", words.LEGAL),
        )
