from django.apps import AppConfig


class CallsConfig(AppConfig):
    name = "madoguchi.domain.calls"
    label = "calls"

    def ready(self) -> None:
        from madoguchi.domain.notices import recipients as notices
        from madoguchi.ground.privacy import registry, retention
        from madoguchi.ground.privacy.registry import SealedColumn

        from . import audit_actions, erasers, models, officials, words  # noqa: F401

        notices.register("escalation", officials.resolve)
        notices.register("late_line", officials.resolve_late)
        notices.register("late_backs", officials.resolve_late_callbacks)
        retention.register("calls.numbers", erasers.erase_calls)
        retention.register("calls.contacts", erasers.erase_contacts)
        retention.register("calls.callbacks", erasers.erase_callbacks)
        retention.register("calls.escalations", erasers.erase_escalations)
        registry.register(
            SealedColumn(models.Call, "number", words.NUMBER),
            SealedColumn(models.CallEvent, "sealed", words.EVENT),
            SealedColumn(models.Contact, "words", words.CONTACT),
            SealedColumn(models.Callback, "words", words.CALLBACK),
            SealedColumn(models.Escalation, "words", words.ESCALATION),
            SealedColumn(models.Step, "words", words.STEP),
        )
