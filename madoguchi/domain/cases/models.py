"""Tables of cases. Nothing here names a person; free notes are sealed."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from madoguchi.domain.booking.models import Booking
from madoguchi.domain.cards.models import Card
from madoguchi.domain.procedures.models import Procedure
from madoguchi.domain.reception.models import Ticket
from madoguchi.ground.accounts.models import User
from madoguchi.ground.contracts.models import Site
from madoguchi.ground.contracts.tenancy import TenantModel

from .enums import End, MoveKind, Pause, Side, Spent, State, VersionState


class FlowVersion(TenantModel):
    """One version of one flow of a contract, from ``valid_from`` on. ``body`` is a :class:`.rules.Flow` as JSON.

    ``shipped``: taken over from the program when a case was first opened by it. A version that cases began with never changes.
    """

    code = models.SlugField(max_length=40)
    number = models.IntegerField()
    body = models.JSONField()
    state = models.CharField(max_length=12, choices=VersionState.choices)
    shipped = models.BooleanField(default=False)
    valid_from = models.DateField("この日から")
    note = models.CharField("変更の理由", max_length=200, blank=True)
    proposed_at = models.DateTimeField()
    proposed_by = models.CharField(max_length=80, blank=True)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=80, blank=True)

    class Meta:
        ordering = ["code", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["contract", "code", "number"], name="flow_version_number"),
            models.UniqueConstraint(
                fields=["contract", "code"], name="flow_one_proposal", condition=Q(state=VersionState.PROPOSED),
                violation_error_message="この流れには、市の承認を待っている版があります。",
            ),
        ]  # fmt: skip


class Case(TenantModel):
    """One person and one procedure. ``booking`` and ``position`` name the attendee of a booked visit; a walk-in has neither.

    ``step`` is where the case stands, ``side`` who has to act, ``since`` when the time now running began, ``moves`` the number of the
    last move. ``owner`` works at the counter, ``examiner`` for the city. ``ticket`` is the visit it is (or was last) worked in, ``card`` the
    card of the stock that was handed over.
    """

    procedure = models.ForeignKey(Procedure, models.PROTECT, related_name="+", db_index=False)
    flow = models.ForeignKey(FlowVersion, models.PROTECT, related_name="+", db_index=False)
    site = models.ForeignKey(Site, models.PROTECT, related_name="+", db_index=False)
    booking = models.ForeignKey(Booking, models.PROTECT, related_name="+", null=True, db_index=False)
    position = models.SmallIntegerField(null=True)
    ticket = models.ForeignKey(Ticket, models.PROTECT, related_name="+", null=True, db_index=False)
    card = models.ForeignKey(Card, models.PROTECT, related_name="+", null=True, db_index=False)
    channel = models.CharField(max_length=8)
    language = models.CharField(max_length=10)
    opened_at = models.DateTimeField()
    step = models.CharField(max_length=40)
    side = models.CharField(max_length=8, choices=Side.choices)
    state = models.CharField(max_length=12, choices=State.choices)
    since = models.DateTimeField()
    moves = models.IntegerField(default=0)
    owner = models.ForeignKey(User, models.PROTECT, related_name="+", null=True, db_index=False)
    examiner = models.ForeignKey(User, models.PROTECT, related_name="+", null=True, db_index=False)
    ended_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=10, choices=End.choices, blank=True)

    class Meta:
        ordering = ["since", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["contract", "booking", "position", "procedure"], name="case_per_person",
                condition=Q(booking__isnull=False) & ~Q(state=State.ENDED),
                violation_error_message="この方のこの手続きの案件は、すでに開いています。",
            ),
            models.CheckConstraint(
                condition=Q(state=State.ENDED, ended_at__isnull=False) & ~Q(outcome="") | ~Q(state=State.ENDED) & Q(ended_at=None, outcome=""),
                name="case_ended_has_outcome",
            ),
            models.UniqueConstraint(fields=["contract", "card"], name="case_card_once", condition=Q(card__isnull=False) & ~Q(state=State.ENDED)),
            models.CheckConstraint(condition=Q(booking=None, position=None) | Q(booking__isnull=False, position__isnull=False), name="case_attendee"),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["contract", "since"], name="case_open", condition=~Q(state=State.ENDED)),
            models.Index(fields=["contract", "ended_at"], name="case_by_end", condition=Q(state=State.ENDED)),
            models.Index(fields=["contract", "booking"], name="case_by_booking", condition=Q(booking__isnull=False)),
            models.Index(fields=["contract", "ticket"], name="case_by_ticket", condition=Q(ticket__isnull=False)),
        ]


class Move(TenantModel):
    """One line of a case's history; never changed. ``seconds`` since the move before were ``spent`` so; ``words`` seals the note.

    ``by`` is empty for the system (a visit that was closed). ``ticket`` is the visit of an opening or a resumption. ``to_step`` is empty
    where the case ended. ``key`` makes a deed that is sent again the same deed. ``undoes`` is the number of the move taken back.
    """

    case = models.ForeignKey(Case, models.CASCADE, related_name="+", db_index=False)
    n = models.IntegerField()
    at = models.DateTimeField()
    kind = models.CharField(max_length=12, choices=MoveKind.choices)
    by = models.ForeignKey(User, models.PROTECT, related_name="+", null=True, db_index=False)
    part = models.CharField(max_length=8)
    ticket = models.ForeignKey(Ticket, models.PROTECT, related_name="+", null=True, db_index=False)
    from_step = models.CharField(max_length=40, blank=True)
    to_step = models.CharField(max_length=40, blank=True)
    way = models.CharField(max_length=40, blank=True)
    reason = models.CharField(max_length=40, blank=True)
    pause = models.CharField(max_length=12, choices=Pause.choices, blank=True)
    ticked = ArrayField(models.CharField(max_length=40), default=list)
    missing = ArrayField(models.CharField(max_length=40), default=list)
    spent = models.CharField(max_length=10, choices=Spent.choices)
    seconds = models.IntegerField(default=0)
    undoes = models.IntegerField(null=True)
    key = models.CharField(max_length=64)
    words = models.BinaryField(null=True)

    class Meta:
        ordering = ["n"]
        constraints = [
            models.UniqueConstraint(fields=["contract", "case", "n"], name="case_move_number"),
            models.UniqueConstraint(fields=["contract", "key"], name="case_move_once"),
        ]
        indexes = [models.Index(fields=["contract", "at"], name="case_note_by_time", condition=Q(words__isnull=False))]
