"""What a deed refuses, in words for the person at the screen."""


class PremisesRefused(Exception):
    """A deed that cannot be done now; the message says why and what to do."""

    @property
    def message(self) -> str:
        return str(self)
