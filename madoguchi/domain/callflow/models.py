"""Prompts with all their versions, audio, readings, and published flows."""

from __future__ import annotations

from django.db import models

from madoguchi.ground.contracts.tenancy import TenantModel


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
