"""States of reports and of requests for a correction."""

from django.db import models


class State(models.TextChoices):
    """Where a version of a report stands. ``REPLACED``: a newer version took its place before the city had decided."""

    DRAFT = "draft", "下書き"
    SIGNED = "signed", "確定"
    SUBMITTED = "submitted", "提出済み"
    ACCEPTED = "accepted", "合格"
    RETURNED = "returned", "差し戻し"
    REPLACED = "replaced", "差し替え"


OPEN = (State.DRAFT, State.SIGNED, State.SUBMITTED)
"""One version of a report at most is in one of these."""


class Answer(models.TextChoices):
    """What became of a request for a correction."""

    OPEN = "open", "回答待ち"
    CORRECTED = "corrected", "訂正した"
    DECLINED = "declined", "訂正しない"
