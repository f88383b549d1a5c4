from django.apps import AppConfig


class ReportsConfig(AppConfig):
    name = "madoguchi.domain.reports"
    label = "reports"

    def ready(self) -> None:
        from madoguchi.domain.notices import recipients
        from madoguchi.ground.privacy import registry, retention
        from madoguchi.ground.privacy.registry import SealedColumn

        from . import audit_actions, erasers, models, officials  # noqa: F401
        from .services.requests import WORDS

        recipients.register("report", officials.resolve)
        retention.register("reports.requests", erasers.erase_words)
        registry.register(SealedColumn(models.CorrectionRequest, "words", WORDS), SealedColumn(models.CorrectionRequest, "answer", WORDS))
