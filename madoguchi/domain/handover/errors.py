"""What a deed refuses, in words for the person at the screen."""


class HandoverRefused(Exception):
    """A deed that cannot be done now; the message says why and what to do."""
