from django.apps import AppConfig


class ObligationsConfig(AppConfig):
    name = "madoguchi.domain.obligations"
    label = "obligations"

    def ready(self) -> None:
        from madoguchi.domain.incidents import events
        from madoguchi.domain.notices import recipients

        from . import audit_actions, listeners, officials  # noqa: F401

        events.classified.connect(listeners.fall_due, dispatch_uid="obligations of an incident")
        events.acknowledged.connect(listeners.acknowledged, dispatch_uid="obligations met by an acknowledgement")
        events.written.connect(listeners.written, dispatch_uid="obligations met by a report in writing")
        recipients.register("due", officials.resolve)
