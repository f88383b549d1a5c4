"""Tables of the survey. Keys are random, so that no order of rows tells who was first."""

from __future__ import annotations

import secrets

from django.db import models
from django.db.models import Q

from madoguchi.ground.contracts.tenancy import TenantModel

from .enums import Way


def random_key() -> int:
    """A positive 62-bit number."""
    return 1 + secrets.randbits(62)


class Answer(TenantModel):
    """What one visitor scored (question → 1 to 5) and chose (question → code). ``counted``: its facts are written.

    ``hour`` is that of ``day`` in Japan; nothing finer is kept. ``site`` and ``procedure`` are empty where they were not said.
    """

    id = models.BigIntegerField(primary_key=True, default=random_key)
    day = models.DateField()
    hour = models.SmallIntegerField()
    way = models.CharField(max_length=6, choices=Way.choices)
    site = models.CharField(max_length=40, blank=True)
    procedure = models.CharField(max_length=40, blank=True)
    language = models.CharField(max_length=10)
    scores = models.JSONField(default=dict)
    choices = models.JSONField(default=dict)
    counted = models.BooleanField(default=False)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(hour__gte=0, hour__lte=23), name="answer_hour")]
        indexes = [
            models.Index(fields=["contract", "day"], name="answer_by_day"),
            models.Index(fields=["contract", "day", "hour"], name="answer_uncounted", condition=Q(counted=False)),
        ]


class Comment(TenantModel):
    """One free text, apart from the answer it came with. ``words`` is sealed and None once its time is over; ``groups`` stay."""

    id = models.BigIntegerField(primary_key=True, default=random_key)
    day = models.DateField()
    question = models.CharField(max_length=24)
    language = models.CharField(max_length=10)
    words = models.BinaryField(null=True)
    groups = models.JSONField(default=list)
    by_hand = models.BooleanField(default=False)

    class Meta:
        indexes = [models.Index(fields=["contract", "day"], name="comment_by_day")]


class UsedLink(TenantModel):
    """The mark that a link was used; kept until the link would have ended anyway."""

    id = models.BigIntegerField(primary_key=True, default=random_key)
    digest = models.CharField(max_length=32)
    until = models.DateField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["contract", "digest"], name="link_used_once")]
