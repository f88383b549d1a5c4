"""What a deed refuses."""


class SurveyRefused(Exception):
    """An answer or a deed that cannot be taken; the message says why to the person at the screen."""
