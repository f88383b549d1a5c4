"""Tables of work lists."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from madoguchi.ground.accounts.models import User
from madoguchi.ground.contracts.tenancy import TenantModel

from .enums import State, StepKind


class Batch(TenantModel):
    """One file of the city. ``added`` entries were new, ``known`` were on the list before."""

    worklist = models.CharField(max_length=40)
    name = models.CharField(max_length=120)
    added = models.IntegerField()
    known = models.IntegerField()
    imported_at = models.DateTimeField()
    imported_by = models.CharField(max_length=80)

    class Meta:
        ordering = ["-imported_at", "-id"]


class Entry(TenantModel):
    """One entry: the city's number, until when it is wanted, where it stands. ``line`` is its line in the file."""

    worklist = models.CharField(max_length=40)
    key = models.CharField(max_length=40)
    batch = models.ForeignKey(Batch, models.PROTECT, related_name="+")
    line = models.IntegerField()
    due_on = models.DateField(null=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    owner = models.ForeignKey(User, models.PROTECT, related_name="+", null=True, db_index=False)
    claimed_at = models.DateTimeField(null=True)
    claim_ends_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=40, blank=True)
    again_on = models.DateField(null=True)
    result = models.CharField(max_length=40, blank=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["contract", "worklist", "key"], name="entry_once", violation_error_message="この番号は、すでに作業リストにあります。"
            ),
            models.UniqueConstraint(
                fields=["contract", "worklist", "owner"], name="entry_in_hand", condition=Q(state="claimed"),
                violation_error_message="先に、作業中の1件を終えるか手放してください。",
            ),
            models.CheckConstraint(
                condition=(
                    Q(state="waiting", owner=None, claim_ends_at=None, again_on=None, result="", ended_at=None)
                    | Q(state="claimed", owner__isnull=False, claimed_at__isnull=False, claim_ends_at__isnull=False, again_on=None, result="", ended_at=None)
                    | Q(state="deferred", owner=None, claim_ends_at=None, again_on__isnull=False, result="", ended_at=None) & ~Q(reason="")
                    | Q(state="done", owner__isnull=False, claim_ends_at=None, again_on=None, ended_at__isnull=False) & ~Q(result="")
                ),
                name="entry_whole",
                violation_error_message="作業リストの1件の状態と内容が合いません。",
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(
                fields=["contract", "worklist", "due_on", "id"], name="entry_in_line", condition=~Q(state="done")
            ),
            models.Index(fields=["contract", "worklist", "ended_at"], name="entry_ended", condition=Q(state="done")),
        ]


class EntryStep(TenantModel):
    """What happened to an entry, append-only. ``seconds`` is the time in hand, of steps that end a claim."""

    entry = models.ForeignKey(Entry, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=8, choices=StepKind.choices)
    at = models.DateTimeField()
    by = models.CharField(max_length=80)
    detail = models.CharField(max_length=40, blank=True)
    seconds = models.IntegerField(null=True)

    class Meta:
        ordering = ["at", "id"]
