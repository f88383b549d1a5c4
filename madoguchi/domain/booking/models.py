"""Tables of booking. The hot ones (slot, booking, attendee, claim, event) are written by ``sql/functions.sql``."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from madoguchi.domain.notices.models import Medium
from madoguchi.domain.procedures.models import Procedure
from madoguchi.ground.accounts.models import User
from madoguchi.ground.contracts.models import Site
from madoguchi.ground.contracts.tenancy import TenantModel

from .enums import Answer, EventKind, FileForm, Rhythm, State, VisitState, WaitingEnd, WalkInOutcome


class Pool(TenantModel):
    """People or windows that serve a set of procedures together at one site."""

    site = models.ForeignKey(Site, models.PROTECT, related_name="+")
    code = models.SlugField(max_length=40)
    name = models.CharField("枠の名称", max_length=80)
    band_minutes = models.SmallIntegerField("1コマの分数")
    procedures = models.ManyToManyField(Procedure, through="PoolProcedure", related_name="+")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["contract", "code"], name="pool_code"),
            models.CheckConstraint(condition=Q(band_minutes__gte=5, band_minutes__lte=240), name="pool_band"),
        ]

    def __str__(self) -> str:
        return self.name


class PoolProcedure(TenantModel):
    """A procedure that a pool serves."""

    pool = models.ForeignKey(Pool, models.CASCADE, related_name="+")
    procedure = models.ForeignKey(Procedure, models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["contract", "pool", "procedure"], name="pool_procedure")]


class Contingent(TenantModel):
    """Places of every slot of a pool kept for one channel until ``days_before`` the visit at ``at``; then they are open to all."""

    pool = models.ForeignKey(Pool, models.CASCADE, related_name="+")
    channel = models.CharField("経路", max_length=8)
    places = models.SmallIntegerField("残す件数")
    days_before = models.SmallIntegerField("開放する日（来庁日の何日前）")
    at = models.TimeField("開放する時刻")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["contract", "pool", "channel"], name="contingent_once"),
            models.CheckConstraint(
                condition=Q(places__gte=1, places__lte=500, days_before__gte=0, days_before__lte=60),
                name="contingent_values",
                violation_error_message="残す件数は1から500、開放する日は0から60日前までの数にしてください。",
            ),
        ]


class WeekPattern(TenantModel):
    """Planned places of one weekday (0 = Monday) between two times, valid for a range of dates.

    The business calendar cuts it: bands outside opening hours, or starting after the last reception, do not become slots.
    """

    pool = models.ForeignKey(Pool, models.CASCADE, related_name="+")
    weekday = models.SmallIntegerField()
    starts = models.TimeField()
    ends = models.TimeField()
    capacity = models.SmallIntegerField("受付可能人数")
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ["weekday", "starts"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends__gt=F("starts")),
                name="pattern_hours",
                violation_error_message="終了時刻は開始時刻より後にしてください。",
            ),
            models.CheckConstraint(
                condition=Q(capacity__gte=0, capacity__lte=500),
                name="pattern_capacity",
                violation_error_message="受付可能人数は0から500までの数にしてください。",
            ),
            models.CheckConstraint(condition=Q(weekday__gte=0, weekday__lte=6), name="pattern_weekday"),
        ]


class DayPlan(TenantModel):
    """A single day that differs from the patterns: ``bands`` is ``[["17:30","18:00",4], …]`` and replaces the day of the pool.

    Withdrawn plans stay as history. A day plan does not ask the calendar: it is the city's explicit word for that day.
    """

    pool = models.ForeignKey(Pool, models.CASCADE, related_name="+")
    date = models.DateField()
    bands = models.JSONField()
    reason = models.CharField("理由", max_length=120)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=80)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["contract", "pool", "date"], name="one_plan_per_day", condition=Q(withdrawn_at=None)
            )
        ]


class Slot(TenantModel):
    """One band of one day of a pool. See the module's invariants.

    Where the pool has contingents, ``kept``, ``used`` and ``opens`` hold four values each, in the order of ``rules.SHARES``: places
    kept, places taken by that channel, the moment from which what is kept is open to all.
    """

    pool = models.ForeignKey(Pool, models.PROTECT, related_name="+", db_index=False)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    planned = models.SmallIntegerField()
    capacity = models.SmallIntegerField()
    taken = models.SmallIntegerField(default=0)
    closed = models.BooleanField(default=False)
    kept = ArrayField(models.SmallIntegerField(), null=True)
    used = ArrayField(models.SmallIntegerField(), null=True)
    opens = ArrayField(models.DateTimeField(), null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kept__isnull=True, used__isnull=True, opens__isnull=True)
                | Q(kept__len=4, used__len=4, opens__len=4),
                name="slot_contingents",
            ),
            models.UniqueConstraint(fields=["contract", "pool", "starts_at"], name="slot_once"),
            models.CheckConstraint(condition=Q(taken__lte=F("capacity"), taken__gte=0), name="slot_never_oversold"),
            models.CheckConstraint(condition=Q(capacity__gte=F("planned"), planned__gte=0), name="slot_capacity"),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="slot_hours"),
        ]


class Booking(TenantModel):
    """One reservation. ``contact`` seals phone, mail, address, note; ``starts_at``/``ends_at`` span the whole party.

    ``line`` seals the LINE user id of who linked the booking to LINE, ``line_index`` finds the bookings of one user.

    ``erased_fields``: codes of fields whose own time was over before that of the rest, null where nothing was;
    a later change may bring them back.
    """

    code = models.CharField(max_length=12)
    state = models.CharField(max_length=10, choices=State.choices)
    site = models.ForeignKey(Site, models.PROTECT, related_name="+", db_index=False)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    people = models.SmallIntegerField()
    channel = models.CharField(max_length=8)
    actor_kind = models.CharField(max_length=12)
    language = models.CharField(max_length=10)
    contact = models.BinaryField(null=True)
    phone_index = models.BinaryField(null=True, max_length=16)
    mail_index = models.BinaryField(null=True, max_length=16)
    has_mail = models.BooleanField(default=False)
    by_sms = models.BooleanField(default=False, db_default=False)
    line = models.BinaryField(null=True)
    line_index = models.BinaryField(null=True, max_length=16)
    overbooked = models.BooleanField(default=False)
    idempotency_key = models.CharField(max_length=64)
    fingerprint = models.BinaryField(max_length=16)
    hold_expires_at = models.DateTimeField(null=True)
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField()
    arrived_at = models.DateTimeField(null=True)
    no_show = models.BooleanField(default=False)
    erased_at = models.DateTimeField(null=True)
    erased_fields = ArrayField(models.CharField(max_length=40), null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["contract", "code"], name="booking_code"),
            models.UniqueConstraint(fields=["contract", "idempotency_key"], name="booking_idempotent"),
            models.CheckConstraint(condition=Q(people__gte=0), name="booking_people"),
            models.CheckConstraint(condition=~Q(state="held") | Q(hold_expires_at__isnull=False), name="hold_expires"),
        ]
        indexes = [
            models.Index(fields=["contract", "starts_at"], name="booking_by_day"),
            models.Index(
                fields=["contract", "phone_index"], name="booking_by_phone", condition=Q(phone_index__isnull=False)
            ),
            models.Index(
                fields=["contract", "mail_index"], name="booking_by_mail", condition=Q(mail_index__isnull=False)
            ),
            models.Index(fields=["contract", "hold_expires_at"], name="booking_holds", condition=Q(state="held")),
            models.Index(
                fields=["contract", "line_index"], name="booking_by_line", condition=Q(line_index__isnull=False)
            ),
        ]

    @property
    def medium(self) -> Medium | None:
        """How notices reach the party: by LINE where it linked the booking, else by mail, else by short message where the
        contract offers it; None: by telephone only.
        """
        return Medium.LINE if self.line_index else self.second_medium

    @property
    def second_medium(self) -> Medium | None:
        """The way that is left where LINE does not take a notice."""
        return Medium.MAIL if self.has_mail else Medium.SMS if self.by_sms else None

    @property
    def notice_detail(self) -> dict[str, str] | None:
        """``Message.detail`` of a notice that takes :attr:`medium`: the way to take after it."""
        return {"instead": self.second_medium} if self.line_index and self.second_medium else None


class LineCode(TenantModel):
    """A one-time code that a resident sends to the city's LINE account to link a booking: its blind index, until its end."""

    booking = models.ForeignKey(Booking, models.CASCADE, related_name="+")
    index = models.BinaryField(max_length=16)
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["contract", "booking"], name="line_code_per_booking"),
            models.UniqueConstraint(fields=["contract", "index"], name="line_code_once"),
        ]


class Attendee(TenantModel):
    """One person of a booking. ``person`` seals name, kana, birth date and the fields the city asks for."""

    booking = models.ForeignKey(Booking, models.CASCADE, related_name="+", db_index=False)
    position = models.SmallIntegerField()
    procedure = models.ForeignKey(Procedure, models.PROTECT, related_name="+", db_index=False)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    person = models.BinaryField(null=True)
    person_index = models.BinaryField(null=True, max_length=16)

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["contract", "booking", "position"], name="attendee_position")]
        indexes = [
            models.Index(
                fields=["contract", "person_index"], name="attendee_by_person", condition=Q(person_index__isnull=False)
            ),
        ]


class Claim(TenantModel):
    """One place in one slot. Exists exactly as long as the place is taken. ``share`` names the contingent it counts for (0: none)."""

    slot = models.ForeignKey(Slot, models.PROTECT, related_name="+", db_index=False)
    attendee = models.ForeignKey(Attendee, models.CASCADE, related_name="+", db_index=False)
    share = models.SmallIntegerField(default=0, db_default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["contract", "attendee", "slot"], name="claim_once")]
        indexes = [models.Index(fields=["contract", "slot"], name="claim_by_slot")]


class Rest(TenantModel):
    """Places given back that stay taken until ``until``: nobody can pass a visit on to a buyer, and who waits for one comes first."""

    slot = models.ForeignKey(Slot, models.PROTECT, related_name="+", db_index=False)
    share = models.SmallIntegerField(default=0)
    places = models.SmallIntegerField()
    until = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(places__gte=1), name="rest_places")]
        indexes = [
            models.Index(fields=["contract", "slot"], name="rest_by_slot"),
            models.Index(fields=["contract", "until"], name="rest_by_end"),
        ]


class Waiting(TenantModel):
    """A booked party that would rather come earlier. Ended by an accepted offer, by the party, or when no earlier time can come.

    ``from_date`` is the first day that suits; ``parts`` the parts of the day (``rules.DayPart``); empty means any.
    """

    booking = models.ForeignKey(Booking, models.CASCADE, related_name="+")
    from_date = models.DateField()
    parts = ArrayField(models.CharField(max_length=10), default=list)
    created_at = models.DateTimeField()
    created_channel = models.CharField(max_length=8)
    missed = models.SmallIntegerField(default=0)
    ended_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=12, choices=WaitingEnd.choices, blank=True)

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["contract", "booking"], name="waits_once", condition=Q(ended_at=None))
        ]


class Offer(TenantModel):
    """Earlier places kept for a waiting party until ``expires_at``. ``hold`` is the booking that claims them meanwhile."""

    waiting = models.ForeignKey(Waiting, models.CASCADE, related_name="+")
    hold = models.ForeignKey(Booking, models.CASCADE, related_name="+")
    starts_at = models.DateTimeField()
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)
    answer = models.CharField(max_length=10, choices=Answer.choices, blank=True)

    class Meta:
        ordering = ["made_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["contract", "waiting"], name="one_open_offer", condition=Q(answered_at=None))
        ]


class Event(TenantModel):
    """One line of a booking's history: who (kind, staff), through which channel, what, before and after.

    ``change`` is ``{"field": [before, after]}`` in the clear for times, procedures, counts; ``sealed`` holds before/after of personal
    fields and is erased with the booking's personal data.
    """

    booking = models.ForeignKey(Booking, models.CASCADE, related_name="+", db_index=False)
    at = models.DateTimeField()
    kind = models.CharField(max_length=10, choices=EventKind.choices)
    actor_kind = models.CharField(max_length=12)
    channel = models.CharField(max_length=8)
    actor = models.CharField(max_length=40, blank=True)
    actor_label = models.CharField(max_length=80, blank=True)
    change = models.JSONField(default=dict)
    sealed = models.BinaryField(null=True)

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["contract", "booking"], name="event_by_booking"),
            models.Index(fields=["contract", "actor", "at"], name="event_by_staff", condition=~Q(actor="")),
        ]


class Affected(TenantModel):
    """A booking that a change of slots broke; open until ``settled_at``."""

    booking = models.ForeignKey(Booking, models.CASCADE, related_name="+")
    reason = models.CharField(max_length=120)
    slots = ArrayField(models.BigIntegerField())
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=80)
    notified_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=40, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["contract", "booking"], name="affected_once", condition=Q(settled_at=None))
        ]


class Proof(TenantModel):
    """Result of a nightly proof that taken places equal the rows."""

    at = models.DateTimeField()
    slots = models.IntegerField()
    claims = models.IntegerField()
    faults = models.JSONField(default=list)


class WalkIn(TenantModel):
    """A party that came without a booking: when, where, for what, how many, and what became of it. No personal data.

    ``people`` is procedure code → number of people. A row entered by mistake is withdrawn and stays.
    """

    site = models.ForeignKey(Site, models.PROTECT, related_name="+")
    at = models.DateTimeField()
    people = models.JSONField()
    language = models.CharField(max_length=10)
    outcome = models.CharField(max_length=8, choices=WalkInOutcome.choices)
    created_by = models.CharField(max_length=80)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["at", "id"]
        indexes = [models.Index(fields=["contract", "at"], name="walk_in_by_time")]


class ExternalLog(TenantModel):
    """Where the city owns the reservation site: one line for each booking an operator made there. No personal data.

    It tells of our work; what the city's site holds is :class:`ExternalVisit`.
    """

    at = models.DateTimeField()
    kind = models.CharField(max_length=10)
    procedure = models.ForeignKey(Procedure, models.PROTECT, related_name="+")
    visit_date = models.DateField(null=True)
    reference = models.CharField("市サイトの予約番号", max_length=40, blank=True)
    people = models.SmallIntegerField(default=1)
    actor = models.CharField(max_length=40)
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes = [models.Index(fields=["contract", "at"], name="external_by_time")]


class NoticeCard(TenantModel):
    """A notice number that the city has sent, with its birth date: a keyed blind index of both, until a last day. No number is kept."""

    index = models.BinaryField(max_length=16)
    expires_on = models.DateField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["contract", "index"], name="notice_card_once")]
        indexes = [models.Index(fields=["contract", "expires_on"], name="notice_card_by_day")]


class SavedList(TenantModel):
    """Conditions of the list of bookings under a name: a person's own, or shared with the contract's staff.

    ``selection`` is a stored :class:`.selection.Selection`; ``owner`` is an actor reference. What was removed stays for the
    deliveries made from it.
    """

    name = models.CharField("名前", max_length=40)
    owner = models.CharField(max_length=40)
    owner_label = models.CharField(max_length=80, blank=True)
    shared = models.BooleanField("ほかの担当者にも見せる", default=False)
    selection = models.JSONField()
    created_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["contract", "owner", "name"], name="saved_list_own", condition=Q(shared=False, removed_at=None)
            ),
            models.UniqueConstraint(
                fields=["contract", "name"], name="saved_list_shared", condition=Q(shared=True, removed_at=None)
            ),
        ]


class StandingOrder(TenantModel):
    """A saved list to be delivered as a file by ``due_time`` on the days of its rhythm, until somebody ends it.

    ``weekdays`` (0 = Monday) and ``month_day`` belong to the rhythms of these names.
    """

    saved_list = models.ForeignKey(SavedList, models.PROTECT, related_name="+")
    form = models.CharField("形式", max_length=6, choices=FileForm.choices)
    rhythm = models.CharField("いつ", max_length=14, choices=Rhythm.choices)
    weekdays = ArrayField(models.SmallIntegerField(), default=list, blank=True)
    month_day = models.SmallIntegerField("毎月何日", null=True, blank=True)
    due_time = models.TimeField("期限の時刻")
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=80)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=(
                    Q(rhythm="business_days")
                    | Q(rhythm="weekdays", weekdays__len__gt=0)
                    | Q(rhythm="month_day", month_day__gte=1, month_day__lte=31)
                ),
                name="order_has_days",
                violation_error_message="受け渡す曜日か日を決めてください。",
            )
        ]


class Delivery(TenantModel):
    """One file of a standing order for one due moment. ``content`` is sealed and erased at ``erase_at``; all else stays as
    evidence. ``problem`` says why it is, or was, late; ``lacking`` names cells with characters that Shift_JIS cannot hold.
    """

    order = models.ForeignKey(StandingOrder, models.PROTECT, related_name="+", db_index=False)
    due_at = models.DateTimeField()
    made_at = models.DateTimeField(null=True)
    title = models.CharField(max_length=40, blank=True)
    file_name = models.CharField(max_length=80, blank=True)
    conditions = models.JSONField(default=dict)
    personal = models.BooleanField(default=False)
    rows = models.IntegerField(null=True)
    sha256 = models.CharField(max_length=64, blank=True)
    lacking = models.JSONField(default=list)
    content = models.BinaryField(null=True)
    erase_at = models.DateTimeField(null=True)
    erased_at = models.DateTimeField(null=True)
    attempts = models.SmallIntegerField(default=0)
    problem = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["contract", "order", "due_at"], name="delivery_once")]
        indexes = [
            models.Index(fields=["contract", "due_at"], name="delivery_by_due"),
            models.Index(fields=["contract", "erase_at"], name="delivery_to_erase", condition=Q(erased_at=None)),
        ]


class Receipt(TenantModel):
    """One person and one delivery: whether told by mail, how often and when downloaded."""

    delivery = models.ForeignKey(Delivery, models.PROTECT, related_name="+", db_index=False)
    user = models.ForeignKey(User, models.PROTECT, related_name="+")
    told = models.BooleanField(default=False)
    downloads = models.IntegerField(default=0)
    first_at = models.DateTimeField(null=True)
    last_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["contract", "delivery", "user"], name="receipt_once")]


class ExternalVisit(TenantModel):
    """A booking of the city's own site as its file told it, known by the city's number. Takes no capacity of ours and holds
    no personal data; ``actor_kind`` and ``channel`` are empty where the file does not say them.
    """

    reference = models.CharField("市の予約番号", max_length=40)
    starts_at = models.DateTimeField()
    procedure = models.ForeignKey(Procedure, models.PROTECT, related_name="+", db_index=False)
    site = models.ForeignKey(Site, models.PROTECT, related_name="+", db_index=False)
    people = models.SmallIntegerField()
    state = models.CharField(max_length=10, choices=VisitState.choices)
    actor_kind = models.CharField(max_length=12, blank=True)
    channel = models.CharField(max_length=8, blank=True)
    imported_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["contract", "reference"], name="visit_reference"),
            models.CheckConstraint(condition=Q(people__gte=1), name="visit_people"),
        ]
        indexes = [models.Index(fields=["contract", "starts_at"], name="visit_by_day")]
