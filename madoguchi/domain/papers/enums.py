"""Words of papers."""

from __future__ import annotations

from django.db import models


class State(models.TextChoices):
    """How far one version of a paper is."""

    DRAFT = "draft", "下書き"
    SUBMITTED = "submitted", "提出済み"
    APPROVED = "approved", "承認済み"
    RETURNED = "returned", "差し戻し"


OPEN = (State.DRAFT, State.SUBMITTED)
"""Somebody has to do something about it."""
HOLDERS = {State.DRAFT: "受託者", State.SUBMITTED: "市", State.APPROVED: "", State.RETURNED: ""}
"""Who has to; nobody when it is decided."""
