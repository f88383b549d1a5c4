"""Tables of the stock. A card's reading and birth date are sealed, where the contract wants them at all."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from madoguchi.domain.booking.models import Booking
from madoguchi.ground.accounts.models import User
from madoguchi.ground.contracts.tenancy import TenantModel

from .enums import DifferenceKind, Fault, MoveKind, Reason, Resolution, SetupStatus, Spot, State
from .rules import Place, stage

_ENDED = (State.ISSUED, State.RETURNED, State.DISPOSED)


class Card(TenantModel):
    """One physical card; see the module's invariants. Changed only by ``services.moving``, with a :class:`Move` for each change.

    One row is one card, and its place is part of the row: ``spot``, and cabinet, box and slot exactly when it lies in one. ``moves`` counts
    its moves. ``booking`` is the reservation it is kept ready for. ``person`` seals ``{"kana", "born"}``.
    """

    number = models.CharField("管理番号", max_length=24)
    state = models.CharField("状態", max_length=12, choices=State.choices)
    spot = models.CharField("置き場所", max_length=6, choices=Spot.choices)
    cabinet = models.CharField(max_length=40, blank=True)
    box = models.SmallIntegerField(null=True)
    slot = models.SmallIntegerField(null=True)
    placed_at = models.DateTimeField()
    arrived_on = models.DateField("到着日")
    notified_on = models.DateField("交付通知日", null=True)
    renotified_on = models.DateField("再通知日", null=True)
    ended_at = models.DateTimeField(null=True)
    booking = models.ForeignKey(Booking, models.SET_NULL, related_name="+", null=True, db_index=False)
    moves = models.IntegerField(default=0)
    person = models.BinaryField(null=True)
    person_index = models.BinaryField(null=True, max_length=16)

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["contract", "number"], name="card_number"),
            models.UniqueConstraint(fields=["contract", "cabinet", "box", "slot"], name="card_slot_holds_one", condition=Q(spot=Spot.SLOT)),
            models.CheckConstraint(
                condition=(Q(spot=Spot.SLOT, box__gte=1, slot__gte=1) & ~Q(cabinet="")) | (~Q(spot=Spot.SLOT) & Q(cabinet="", box=None, slot=None)),
                name="card_at_one_place",
            ),
            models.CheckConstraint(
                condition=Q(state__in=_ENDED, spot=Spot.GONE, ended_at__isnull=False) | (~Q(state__in=_ENDED) & ~Q(spot=Spot.GONE) & Q(ended_at=None)),
                name="card_gone_when_ended",
            ),
            models.CheckConstraint(condition=~Q(number__regex=r"^([0-9]-?){12}$"), name="card_number_no_individual_number"),
        ]
        indexes = [
            models.Index(fields=["contract", "state"], name="card_by_state"),
            models.Index(fields=["contract", "booking"], name="card_by_booking", condition=Q(booking__isnull=False)),
            models.Index(fields=["contract", "person_index"], name="card_by_person", condition=Q(person_index__isnull=False)),
        ]

    @property
    def place(self) -> Place:
        """Where it lies."""
        return Place(Spot(self.spot), self.cabinet, self.box or 0, self.slot or 0)

    @property
    def stage(self) -> str:
        """Where it stands, for people."""
        return stage(State(self.state), Spot(self.spot))


class Move(TenantModel):
    """One thing that happened to a card; number ``n`` of its moves. Append-only. ``words`` seals the reason in the person's words."""

    card = models.ForeignKey(Card, models.PROTECT, related_name="+", db_index=False)
    n = models.IntegerField()
    at = models.DateTimeField()
    kind = models.CharField(max_length=12, choices=MoveKind.choices)
    by = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    before = models.CharField(max_length=12, blank=True)
    after = models.CharField(max_length=12)
    source = models.CharField(max_length=52, blank=True)
    target = models.CharField(max_length=52)
    reason = models.CharField(max_length=12, blank=True)
    words = models.BinaryField(null=True)

    class Meta:
        ordering = ["n"]
        constraints = [models.UniqueConstraint(fields=["contract", "card", "n"], name="card_moves_one_line")]
        indexes = [models.Index(fields=["contract", "by", "at"], name="card_move_by_person")]


class Batch(TenantModel):
    """The pre-delivery setups of a day, with the number that is to be reached."""

    day = models.DateField("作業日")
    target = models.SmallIntegerField("目標枚数")
    opened_at = models.DateTimeField()
    opened_by = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-day"]
        constraints = [
            models.UniqueConstraint(fields=["contract", "day"], name="batch_of_a_day"),
            models.CheckConstraint(condition=Q(target__gte=1), name="batch_target"),
        ]


class Setup(TenantModel):
    """One card in a batch: who set it up, who checked it, with what result."""

    batch = models.ForeignKey(Batch, models.CASCADE, related_name="+")
    card = models.ForeignKey(Card, models.PROTECT, related_name="+")
    status = models.CharField(max_length=8, choices=SetupStatus.choices, default=SetupStatus.PLANNED)
    worked_by = models.ForeignKey(User, models.PROTECT, related_name="+", null=True, db_index=False)
    worked_at = models.DateTimeField(null=True)
    checked_by = models.ForeignKey(User, models.PROTECT, related_name="+", null=True, db_index=False)
    checked_at = models.DateTimeField(null=True)
    fault = models.CharField(max_length=8, choices=Fault.choices, blank=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["contract", "card"], name="setup_open_once", condition=Q(status__in=[SetupStatus.PLANNED, SetupStatus.WORKED])
            ),
            models.CheckConstraint(condition=Q(checked_by=None) | ~Q(checked_by=F("worked_by")), name="setup_four_eyes"),
        ]


class Disposal(TenantModel):
    """A card that one person proposes to destroy. ``approved`` is empty until another person decides."""

    card = models.ForeignKey(Card, models.PROTECT, related_name="+")
    reason = models.CharField("理由", max_length=12, choices=Reason.choices)
    proposed_at = models.DateTimeField()
    proposed_by = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(User, models.PROTECT, related_name="+", null=True, db_index=False)
    approved = models.BooleanField(null=True)

    class Meta:
        ordering = ["proposed_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["contract", "card"], name="disposal_open_once", condition=Q(decided_at=None)),
            models.CheckConstraint(condition=Q(decided_by=None) | ~Q(decided_by=F("proposed_by")), name="disposal_four_eyes"),
            models.CheckConstraint(
                condition=Q(decided_at=None, decided_by=None, approved=None) | Q(decided_at__isnull=False, decided_by__isnull=False, approved__isnull=False),
                name="disposal_decided",
            ),
        ]


class Stocktake(TenantModel):
    """One count of a cabinet (empty: of all). Scanning ends at ``counted_at``; a leader closes it when every difference is settled."""

    cabinet = models.CharField("キャビネット", max_length=40, blank=True)
    begun_at = models.DateTimeField()
    begun_by = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    expected = models.IntegerField()
    counted_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey(User, models.PROTECT, related_name="+", null=True, db_index=False)

    class Meta:
        ordering = ["-begun_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["contract"], name="stocktake_one_at_a_time", condition=Q(closed_at=None)),
            models.CheckConstraint(condition=Q(closed_at=None) | Q(counted_at__isnull=False), name="stocktake_counted_before_closed"),
        ]


class Seen(TenantModel):
    """A number scanned in a box during a count, and where the record had the card at that moment (empty: no such card)."""

    stocktake = models.ForeignKey(Stocktake, models.CASCADE, related_name="+", db_index=False)
    number = models.CharField(max_length=24)
    card = models.ForeignKey(Card, models.PROTECT, related_name="+", null=True, db_index=False)
    box = models.CharField(max_length=48)
    recorded = models.CharField(max_length=52, blank=True)
    at = models.DateTimeField()
    by = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)

    class Meta:
        ordering = ["-at", "-id"]
        constraints = [models.UniqueConstraint(fields=["contract", "stocktake", "number"], name="seen_once")]


class Difference(TenantModel):
    """What did not fit when the scanning of a count ended, and how it was settled. ``words`` seals what was found out."""

    stocktake = models.ForeignKey(Stocktake, models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField(max_length=12, choices=DifferenceKind.choices)
    number = models.CharField(max_length=24)
    card = models.ForeignKey(Card, models.PROTECT, related_name="+", null=True, db_index=False)
    recorded = models.CharField(max_length=52, blank=True)
    box = models.CharField(max_length=48, blank=True)
    resolution = models.CharField(max_length=14, choices=Resolution.choices, blank=True)
    words = models.BinaryField(null=True)
    resolved_at = models.DateTimeField(null=True)
    resolved_by = models.ForeignKey(User, models.PROTECT, related_name="+", null=True, db_index=False)

    class Meta:
        ordering = ["kind", "number"]
        constraints = [
            models.UniqueConstraint(fields=["contract", "stocktake", "number"], name="difference_once"),
            models.CheckConstraint(
                condition=Q(resolution="", resolved_at=None) | (~Q(resolution="") & Q(resolved_at__isnull=False)), name="difference_settled"
            ),
        ]
