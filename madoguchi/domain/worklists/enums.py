"""States and steps of an entry."""

from django.db import models


class State(models.TextChoices):
    """Where an entry stands."""

    WAITING = "waiting", "未着手"
    CLAIMED = "claimed", "作業中"
    DEFERRED = "deferred", "後日"
    DONE = "done", "完了"


class StepKind(models.TextChoices):
    """What happened to an entry."""

    CLAIMED = "claimed", "作業を始めた"
    RELEASED = "released", "手放した"
    DEFERRED = "deferred", "後日にした"
    DONE = "done", "終えた"
    REOPENED = "reopened", "やり直しにした"
