"""Tables of calls. Numbers, names and words of callers are sealed; what is counted is in the clear."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from madoguchi.ground.accounts.models import User
from madoguchi.ground.contracts.tenancy import TenantModel

from .enums import UNANSWERED, CallbackEnd, Direction, Line, Outcome, Result, Source, StepKind, Topic, TryOutcome


class Call(TenantModel):
    """One call: what :func:`.fold.fold` says of its events, in columns. Written only by ``services.record``.

    ``number`` seals ``{"number": …}`` of the caller in the form of :func:`phones.normalise` (else as the network gave it), ``number_index``
    finds the calls of one number; both are empty when it was withheld or is erased. ``operator`` is the account behind ``agent``.
    """

    provider = models.CharField(max_length=24)
    ref = models.CharField(max_length=120)
    direction = models.CharField(max_length=4, choices=Direction.choices)
    opened_at = models.DateTimeField()
    dialled = models.CharField(max_length=24, blank=True)
    number = models.BinaryField(null=True)
    number_index = models.BinaryField(null=True, max_length=16)
    withheld = models.BooleanField(default=False)
    state = models.CharField(max_length=10)
    choice = models.CharField(max_length=40, blank=True)
    queue = models.CharField(max_length=40, blank=True)
    language = models.CharField(max_length=10, blank=True)
    queued_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=14, choices=Outcome.choices)
    why = models.CharField(max_length=40, blank=True)
    ended_by = models.CharField(max_length=10, blank=True)
    agent = models.CharField(max_length=80, blank=True)
    operator = models.ForeignKey(User, models.PROTECT, related_name="+", null=True, db_index=False)
    missed = ArrayField(models.CharField(max_length=80), default=list)
    transfers = models.SmallIntegerField(default=0)
    wait_seconds = models.IntegerField(null=True)
    talk_seconds = models.IntegerField(null=True)
    hold_seconds = models.IntegerField(default=0)
    total_seconds = models.IntegerField(null=True)
    seen_at = models.DateTimeField(null=True)
    erased_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["opened_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["contract", "provider", "ref"], name="call_once"),
            models.CheckConstraint(condition=~Q(outcome=Outcome.OPEN, ended_at__isnull=False), name="call_ended_has_outcome"),
        ]
        indexes = [
            models.Index(fields=["contract", "opened_at"], name="call_by_time"),
            models.Index(fields=["contract", "number_index"], name="call_by_number", condition=Q(number_index__isnull=False)),
            models.Index(fields=["contract", "opened_at"], name="call_half_open", condition=Q(ended_at=None)),
        ]

    @property
    def unanswered(self) -> bool:
        """Nobody spoke with a caller who called in opening hours."""
        return self.direction == Direction.IN and self.outcome in UNANSWERED


class CallEvent(TenantModel):
    """One event of a call, as it was told. ``data`` holds no personal data; ``sealed`` the numbers that came with it."""

    call = models.ForeignKey(Call, models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField(max_length=20)
    at = models.DateTimeField()
    agent = models.CharField(max_length=80, blank=True)
    queue = models.CharField(max_length=40, blank=True)
    data = models.JSONField(default=dict)
    sealed = models.BinaryField(null=True)
    recorded_at = models.DateTimeField()

    class Meta:
        ordering = ["at", "id"]
        constraints = [models.UniqueConstraint(fields=["contract", "call", "kind", "at"], name="call_event_once")]


class Contact(TenantModel):
    """What was said: one record per conversation, by its operator; a call that was handed over has one of each who spoke.

    ``words`` seals ``{"question", "answer", "name", "number"}``. ``bookings`` are the codes of bookings made, changed or looked at for the
    caller. ``wrapup_seconds`` is the time from the end of the call to the record, at most 30 minutes.
    """

    call = models.ForeignKey(Call, models.PROTECT, related_name="+", null=True)
    at = models.DateTimeField()
    source = models.CharField("受けた方法", max_length=8, choices=Source.choices)
    operator = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    topic = models.CharField("種類", max_length=12, choices=Topic.choices)
    result = models.CharField("結果", max_length=12, choices=Result.choices)
    language = models.CharField("ことば", max_length=10)
    faq = models.CharField("使ったFAQ", max_length=40, blank=True)
    bookings = ArrayField(models.CharField(max_length=12), default=list, blank=True)
    words = models.BinaryField(null=True)
    number_index = models.BinaryField(null=True, max_length=16)
    wrapup_seconds = models.IntegerField(null=True)
    changed_at = models.DateTimeField(null=True)
    erased_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["contract", "call", "operator"], name="contact_per_call_and_operator", condition=Q(call__isnull=False)
            )
        ]
        indexes = [
            models.Index(fields=["contract", "at"], name="contact_by_time"),
            models.Index(
                fields=["contract", "number_index"], name="contact_by_number", condition=Q(number_index__isnull=False)
            ),
        ]


class Extension(TenantModel):
    """Who sits behind a name by which another telephone system calls an agent (``agent`` of its events, such as ``SIP/201``)."""

    agent = models.CharField("内線の名前", max_length=80)
    user = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    named_at = models.DateTimeField()
    named_by = models.CharField(max_length=80)

    class Meta:
        ordering = ["agent"]
        constraints = [models.UniqueConstraint(fields=["contract", "agent"], name="extension_agent")]


class Callback(TenantModel):
    """A promise to call somebody back. ``words`` seals ``{"number", "name", "about"}``. Open until ``ended_at``."""

    call = models.ForeignKey(Call, models.PROTECT, related_name="+", null=True)
    asked_at = models.DateTimeField()
    due_at = models.DateTimeField()
    words = models.BinaryField(null=True)
    number_index = models.BinaryField(null=True, max_length=16)
    language = models.CharField(max_length=10, blank=True)
    choice = models.CharField(max_length=40, blank=True)
    owner = models.ForeignKey(User, models.PROTECT, related_name="+", null=True)
    taken_at = models.DateTimeField(null=True)
    tries = models.SmallIntegerField(default=0)
    ended_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=12, choices=CallbackEnd.choices, blank=True)
    erased_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["asked_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["contract", "call"], name="callback_per_call", condition=Q(call__isnull=False)),
            models.CheckConstraint(condition=Q(ended_at=None, outcome="") | Q(ended_at__isnull=False), name="callback_end"),
        ]
        indexes = [models.Index(fields=["contract", "due_at"], name="callback_open", condition=Q(ended_at=None))]


class CallbackTry(TenantModel):
    """One try to reach somebody: noted by hand, or from the events of ``call`` where the exchange dialled."""

    callback = models.ForeignKey(Callback, models.CASCADE, related_name="+")
    call = models.ForeignKey(Call, models.PROTECT, related_name="+", null=True)
    at = models.DateTimeField()
    operator = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    outcome = models.CharField(max_length=10, choices=TryOutcome.choices)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["contract", "call"], name="try_per_call", condition=Q(call__isnull=False))]


class Escalation(TenantModel):
    """What an operator could not settle. ``line`` has to act until ``due_at``; ``owner`` is who took it on (empty: nobody yet).

    ``words`` seals ``{"summary", "name", "number"}``. A complaint reaches the city at once, whichever line acts.
    """

    contact = models.ForeignKey(Contact, models.PROTECT, related_name="+", null=True)
    opened_at = models.DateTimeField()
    opened_by = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    topic = models.CharField("種類", max_length=12, choices=Topic.choices)
    complaint = models.BooleanField("苦情・トラブル", default=False)
    call_back = models.BooleanField("本人への連絡が必要", default=False)
    line = models.CharField(max_length=10, choices=Line.choices)
    owner = models.ForeignKey(User, models.PROTECT, related_name="+", null=True, db_index=False)
    due_at = models.DateTimeField()
    words = models.BinaryField(null=True)
    closed_at = models.DateTimeField(null=True)
    erased_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["due_at", "id"]
        indexes = [models.Index(fields=["contract", "due_at"], name="escalation_open", condition=Q(closed_at=None))]


class Step(TenantModel):
    """One step of an escalation: who, what, from which line to which, in time or late. ``words`` seals the note."""

    escalation = models.ForeignKey(Escalation, models.CASCADE, related_name="+")
    at = models.DateTimeField()
    kind = models.CharField(max_length=8, choices=StepKind.choices)
    by = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    line = models.CharField(max_length=10, choices=Line.choices)
    late = models.BooleanField(default=False)
    words = models.BinaryField(null=True)

    class Meta:
        ordering = ["at", "id"]
