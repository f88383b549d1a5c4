"""What the deeds of billing refuse."""


class BillingRefused(Exception):
    """A deed that cannot be done now; the message says in Japanese why, and what to do."""
