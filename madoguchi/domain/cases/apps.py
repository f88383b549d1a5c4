from django.apps import AppConfig


class CasesConfig(AppConfig):
    name = "madoguchi.domain.cases"
    label = "cases"

    def ready(self) -> None:
        from madoguchi.domain.notices import recipients
        from madoguchi.ground.privacy import registry, retention
        from madoguchi.ground.privacy.registry import SealedColumn

        from . import audit_actions, erasers, models, officials, receivers, words  # noqa: F401

        recipients.register("flow", officials.resolve)
        retention.register("cases.notes", erasers.erase_notes)
        registry.register(SealedColumn(models.Move, "words", words.NOTE))
