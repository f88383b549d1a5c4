"""How verbs end with a message."""

from __future__ import annotations


class Complaint(Exception):
    """Ends a command with one clear message on stderr and an exit code."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


def set_up_django() -> None:
    """Start Django (and the embedded database when there is no ``DATABASE_URL``); problems become one line."""
    import django
    from django.core.exceptions import ImproperlyConfigured

    from madoguchi.ground.kit.postgres import ServerError

    try:
        django.setup()
    except (ImproperlyConfigured, ServerError, ValueError) as error:
        raise Complaint(f"cannot start: {error}\n`madoguchi doctor` tells what is missing.", 2) from None


def say(text: str) -> None:
    """Print a line to people."""
    print(text, flush=True)  # noqa: T201
