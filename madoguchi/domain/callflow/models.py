"""Prompts with all their versions, audio, readings, published flows, and the telephones on the desks."""

from __future__ import annotations

from typing import Final

from django.db import models
from django.db.models import Q

from madoguchi.ground.accounts.models import User
from madoguchi.ground.contracts.tenancy import TenantModel

PURPOSE: Final = "callflow.telephone"
"""For which a telephone's digest is sealed."""


class Audio(TenantModel):
    """A WAV as the exchange plays it (8,000 Hz, mono, 16 bit), named by what it holds; never changed."""

    name = models.CharField(max_length=40)
    content = models.BinaryField()
    milliseconds = models.IntegerField()
    made_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["contract", "name"], name="audio_name")]


class Prompt(TenantModel):
    """One saving of an announcement in one language: its text, or a recording in the text's place. Rows are only added.

    It counts from ``starts_on`` once released; of several the one that starts last wins, among those the one saved last.
    """

    prompt = models.CharField(max_length=16)
    language = models.CharField(max_length=10)
    number = models.IntegerField()
    text = models.TextField("文面")
    recording = models.ForeignKey(Audio, models.PROTECT, null=True, blank=True, related_name="+", db_index=False)
    file_name = models.CharField(max_length=120, blank=True)
    starts_on = models.DateField("使い始める日")
    saved_at = models.DateTimeField()
    saved_by = models.CharField(max_length=80)
    released_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["prompt", "language", "number"]
        constraints = [
            models.UniqueConstraint(fields=["contract", "prompt", "language", "number"], name="prompt_number")
        ]


class Reading(TenantModel):
    """How a word is pronounced in Japanese: ``surface`` as it is written, ``kana`` as it is said."""

    surface = models.CharField("表記", max_length=40)
    kana = models.CharField("読み", max_length=60)
    saved_at = models.DateTimeField()
    saved_by = models.CharField(max_length=80)

    class Meta:
        ordering = ["surface"]
        constraints = [models.UniqueConstraint(fields=["contract", "surface"], name="reading_surface")]


class FlowVersion(TenantModel):
    """One publishing: who, when, and what is said and where it leads (:class:`.building.Content` as JSON), with its fingerprint."""

    number = models.IntegerField()
    published_at = models.DateTimeField()
    published_by = models.CharField(max_length=80)
    fingerprint = models.CharField(max_length=64)
    content = models.JSONField()

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["contract", "number"], name="flow_number")]


class Telephone(TenantModel):
    """A SIP telephone on a desk. ``user`` is its name at the exchange, of which all contracts share one; ``secret`` seals the digest of its
    password (:func:`madoguchi.voice.flow.ha1_of`), None while it is switched off. ``operator`` sat down at it at ``seated_at``, which counts
    on that day.
    """

    name = models.CharField("名前", max_length=30)
    place = models.CharField("場所", max_length=60, blank=True)
    user = models.CharField("ユーザー名", max_length=40)
    secret = models.BinaryField(null=True)
    issued_at = models.DateTimeField()
    issued_by = models.CharField(max_length=80)
    operator = models.ForeignKey(User, models.PROTECT, related_name="+", null=True, db_index=False)
    seated_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["user"]
        constraints = [
            models.UniqueConstraint(fields=["contract", "user"], name="telephone_user"),
            models.UniqueConstraint(fields=["contract", "name"], name="telephone_name"),
            models.UniqueConstraint(fields=["contract", "operator"], name="telephone_of_operator", condition=Q(operator__isnull=False)),
        ]

    @property
    def in_service(self) -> bool:
        """Whether it may register with the exchange."""
        return self.secret is not None
