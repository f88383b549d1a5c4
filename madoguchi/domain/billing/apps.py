from django.apps import AppConfig


class BillingConfig(AppConfig):
    name = "madoguchi.domain.billing"
    label = "billing"

    def ready(self) -> None:
        from madoguchi.domain.notices import recipients
        from madoguchi.ground.kit.sqlfiles import install_after_migrate
        from madoguchi.ground.privacy import retention

        from . import audit_actions, erasers, late, receivers  # noqa: F401

        install_after_migrate(self, "functions.sql")
        recipients.register("late_invoices", late.resolve)
        retention.register("billing.books", erasers.erase_books)
