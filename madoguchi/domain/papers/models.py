"""Tables of papers. They hold no residents' data; ``guard`` refuses individual numbers in what is typed."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from madoguchi.ground.accounts.models import User
from madoguchi.ground.contracts.tenancy import TenantModel

from .enums import HOLDERS, OPEN, State


class Paper(TenantModel):
    """A version of a paper. ``code`` is its duty in the profile, ``key`` the occasion of it that it is for, ``content`` what was handed in."""

    code = models.CharField(max_length=40)
    key = models.CharField(max_length=20)
    version = models.SmallIntegerField(default=1)
    state = models.CharField(max_length=9, choices=State.choices, default=State.DRAFT)
    reason = models.CharField(max_length=500, blank=True)
    made_at = models.DateTimeField()
    content = models.JSONField(null=True)
    digest = models.CharField(max_length=64, blank=True)
    submitted_by = models.ForeignKey(User, models.PROTECT, related_name="+", null=True, db_index=False)
    submitted_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(User, models.PROTECT, related_name="+", null=True, db_index=False)
    decided_at = models.DateTimeField(null=True)
    comments = models.CharField("市のコメント", max_length=2000, blank=True)

    class Meta:
        ordering = ["code", "key", "version"]
        constraints = [
            models.UniqueConstraint(fields=["contract", "code", "key", "version"], name="paper_version"),
            models.UniqueConstraint(fields=["contract", "code", "key"], name="paper_one_open", condition=Q(state__in=OPEN)),
            models.CheckConstraint(
                condition=Q(state=State.DRAFT, content=None, digest="", submitted_at=None)
                | (~Q(state=State.DRAFT) & Q(content__isnull=False, submitted_at__isnull=False) & ~Q(digest="")),
                name="paper_frozen_when_submitted",
            ),
        ]

    @property
    def holder(self) -> str:
        """Who has to do something about it now; empty when nobody has."""
        return HOLDERS[State(self.state)]


class PaperText(TenantModel):
    """A text of a draft as a person wrote it; without a row the draft's own words stand."""

    paper = models.ForeignKey(Paper, models.CASCADE, related_name="+", db_index=False)
    code = models.CharField(max_length=40)
    text = models.TextField()
    written_by = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    written_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["contract", "paper", "code"], name="paper_text_once")]
