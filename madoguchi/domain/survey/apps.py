from django.apps import AppConfig


class SurveyConfig(AppConfig):
    name = "madoguchi.domain.survey"
    label = "survey"

    def ready(self) -> None:
        from madoguchi.domain.notices import recipients as notices
        from madoguchi.ground.privacy import registry, retention
        from madoguchi.ground.privacy.registry import SealedColumn

        from . import audit_actions, erasers, mail, models, services  # noqa: F401

        notices.register("visit", mail.resolve)
        retention.register("survey.comments", erasers.erase_comments)
        retention.register("survey.links", erasers.mix_links)
        registry.register(SealedColumn(models.Comment, "words", services.WORDS))
