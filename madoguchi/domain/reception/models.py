"""Tables of the reception."""

from __future__ import annotations

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q, Value

from madoguchi.domain.booking.models import Booking
from madoguchi.ground.accounts.models import User
from madoguchi.ground.contracts.models import Site
from madoguchi.ground.contracts.tenancy import TenantModel

from .enums import Clash, LateState, LateVerb, Outcome, Source, Stay, TerminalKind
from .rules import show_number


class Terminal(TenantModel):
    """A public screen of a site. Its link holds a token derived from the row; a revoked row opens nothing."""

    site = models.ForeignKey(Site, models.PROTECT, related_name="+")
    kind = models.CharField("種類", max_length=8, choices=TerminalKind.choices)
    name = models.CharField("置き場所", max_length=40)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=80)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["site_id", "kind", "id"]


class Window(TenantModel):
    """A numbered window of a site: which groups it serves, and who sits there (nobody: it is closed)."""

    site = models.ForeignKey(Site, models.PROTECT, related_name="+", db_index=False)
    number = models.SmallIntegerField("窓口の番号")
    groups = ArrayField(models.CharField(max_length=40), verbose_name="受け持つ窓口グループ")
    staff = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    opened_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["contract", "site", "number"], name="window_number"),
            models.CheckConstraint(
                condition=Q(staff__isnull=True, opened_at__isnull=True) | Q(staff__isnull=False, opened_at__isnull=False),
                name="window_open_by_somebody",
            ),
        ]

    @property
    def is_open(self) -> bool:
        """Whether somebody sits there."""
        return self.opened_at is not None


class NumberBlock(TenantModel):
    """Numbers ``first``…``last`` of a letter and day that one device hands out; ``used`` of them are gone.

    The server is a device too (an empty ``device``). A device without a connection may only print numbers of blocks it holds.
    """

    site = models.ForeignKey(Site, models.PROTECT, related_name="+", db_index=False)
    day = models.DateField()
    letter = models.CharField(max_length=1)
    device = models.CharField(max_length=40, blank=True)
    first = models.IntegerField()
    last = models.IntegerField()
    used = models.IntegerField(default=0)

    class Meta:
        ordering = ["first"]
        constraints = [
            ExclusionConstraint(
                name="number_blocks_apart",
                expressions=[
                    (F("contract"), RangeOperators.EQUAL),
                    (F("site"), RangeOperators.EQUAL),
                    (F("day"), RangeOperators.EQUAL),
                    (F("letter"), RangeOperators.EQUAL),
                    (Func(F("first"), F("last"), Value("[]"), function="int4range"), RangeOperators.OVERLAPS),
                ],
            ),
            models.CheckConstraint(condition=Q(first__gte=1, last__gte=F("first")), name="number_block_order"),
            models.CheckConstraint(condition=Q(used__gte=0, used__lte=F("last") - F("first") + 1), name="number_block_used"),
        ]


class Ticket(TenantModel):
    """One visit. ``group`` is where it waits or is served now; ``counts`` are the people for each of ``procedures``; ``done`` those finished.

    ``entered_at`` is when a visit was written in that happened before, on a tablet without a connection or on paper. ``address`` seals the
    mail address of who wants to be told when near; it goes with the day. ``booked_at`` is the time of the booking.
    """

    site = models.ForeignKey(Site, models.PROTECT, related_name="+", db_index=False)
    day = models.DateField()
    letter = models.CharField(max_length=1)
    number = models.IntegerField()
    token = models.CharField(max_length=32)
    group = models.CharField(max_length=40)
    procedures = ArrayField(models.CharField(max_length=40))
    counts = ArrayField(models.SmallIntegerField())
    done = ArrayField(models.CharField(max_length=40), default=list)
    people = models.SmallIntegerField()
    language = models.CharField(max_length=10)
    needs = ArrayField(models.CharField(max_length=16), default=list)
    booking = models.ForeignKey(Booking, models.PROTECT, null=True, related_name="+", db_index=False)
    booked_at = models.DateTimeField(null=True)
    issued_at = models.DateTimeField()
    issued_by = models.CharField(max_length=80)
    state = models.CharField(max_length=5, choices=Stay.choices, blank=True)
    rank_at = models.DateTimeField()
    missed = models.SmallIntegerField(default=0)
    address = models.BinaryField(null=True)
    told_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=8, choices=Outcome.choices, blank=True)
    overran = models.BooleanField(default=False)
    source = models.CharField(max_length=6, choices=Source.choices, default=Source.LIVE)
    entered_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["day", "letter", "number"]
        constraints = [
            models.UniqueConstraint(fields=["contract", "site", "day", "letter", "number"], name="ticket_number"),
            models.UniqueConstraint(fields=["contract", "token"], name="ticket_token"),
            models.UniqueConstraint(
                fields=["contract", "booking"], name="ticket_per_booking", condition=Q(booking__isnull=False, closed_at=None)
            ),
            models.CheckConstraint(
                condition=Q(closed_at=None, outcome="") & ~Q(state="") | Q(closed_at__isnull=False, state="") & ~Q(outcome=""),
                name="ticket_ends_once",
            ),
            models.CheckConstraint(condition=Q(people__gte=1, procedures__len__gte=1, number__gte=1), name="ticket_of_somebody"),
            models.CheckConstraint(condition=Q(procedures__len=F("counts__len")), name="ticket_counts"),
            models.CheckConstraint(
                condition=Q(source=Source.LIVE, entered_at=None) | ~Q(source=Source.LIVE) & Q(entered_at__isnull=False),
                name="ticket_entered_later",
            ),
        ]
        indexes = [
            models.Index(
                fields=["contract", "site", "day", "group", "rank_at", "id"], name="ticket_queue", condition=Q(state="wait")
            ),
            models.Index(fields=["contract", "site", "day"], name="ticket_open", condition=Q(closed_at=None)),
            models.Index(fields=["contract", "day"], name="ticket_to_tell", condition=Q(address__isnull=False)),
        ]


    @property
    def shown(self) -> str:
        """The number as it is printed."""
        return show_number(self.letter, self.number)

    @property
    def left(self) -> list[tuple[str, int]]:
        """Procedures still to be served, with their people."""
        return [(code, count) for code, count in zip(self.procedures, self.counts, strict=True) if code not in self.done]


class Period(TenantModel):
    """One stay of a ticket. Only its end, and the procedure it went to, are ever written afterwards."""

    ticket = models.ForeignKey(Ticket, models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=5, choices=Stay.choices)
    group = models.CharField(max_length=40)
    window = models.ForeignKey(Window, models.PROTECT, null=True, related_name="+", db_index=False)
    staff = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    procedure = models.CharField(max_length=40, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["contract", "ticket"], name="ticket_is_at_one_place", condition=Q(ended_at=None)),
            models.UniqueConstraint(
                fields=["contract", "window"], name="window_has_one_party", condition=Q(ended_at=None, kind__in=["walk", "serve"])
            ),
            models.CheckConstraint(
                condition=~Q(kind__in=["walk", "serve"]) | Q(window__isnull=False, staff__isnull=False), name="period_at_window"
            ),
        ]
        indexes = [models.Index(fields=["contract", "ticket"], name="period_by_ticket")]


class Summons(TenantModel):
    """One call of a ticket to a window: what the display shows and speaks, in the order of ``id``."""

    # No constraints in the database: a call is written only beside its period, whose own say the same. Four look-ups a call, of rows that all windows
    # share, were a third of what it costs.
    site = models.ForeignKey(Site, models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    ticket = models.ForeignKey(Ticket, models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    window = models.ForeignKey(Window, models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    at = models.DateTimeField()
    again = models.BooleanField(default=False)

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["contract", "site", "at"], name="summons_by_time")]


class Deed(TenantModel):
    """A deed that was done, under the key its sender made: sent again it changes nothing and answers with the same ticket."""

    key = models.CharField(max_length=64)
    verb = models.CharField(max_length=20)
    ticket = models.ForeignKey(Ticket, models.PROTECT, null=True, related_name="+", db_index=False, db_constraint=False)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["contract", "key"], name="deed_once")]


TABLET = "tablet:"
"""How the devices that hold numbers without a connection are called, before their id."""


class Tablet(TenantModel):
    """A device at the reception that may go on without a connection. It holds number blocks under ``device`` and sends its deeds later.

    ``listed_on`` is the last day whose bookings (code, time, procedures, people) it was given; on that day its numbers are those of one
    ``browser`` alone, which knows what it printed.
    """

    site = models.ForeignKey(Site, models.PROTECT, related_name="+")
    name = models.CharField("端末の名前", max_length=40)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=80)
    seen_at = models.DateTimeField(null=True)
    kept = models.IntegerField(default=0)
    listed_on = models.DateField(null=True)
    browser = models.CharField(max_length=32, blank=True, default="", db_default="")
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["site_id", "id"]

    @property
    def device(self) -> str:
        """The name under which it holds numbers."""
        return f"{TABLET}{self.pk}"


class LateDeed(TenantModel):
    """A deed that a tablet did without a connection, as it was sent; kept for good, whatever became of it.

    ``about`` is the ticket: the key of the deed that issued it, or ``#id`` of a ticket that the server gave out. ``body`` holds what the
    verb needs and how the tablet's clock stood; ``opened_at`` is as of when its window was opened for this deed alone.
    """

    tablet = models.ForeignKey(Tablet, models.PROTECT, related_name="+", db_index=False)
    key = models.CharField(max_length=64)
    verb = models.CharField(max_length=6, choices=LateVerb.choices)
    about = models.CharField(max_length=64)
    body = models.JSONField()
    happened_at = models.DateTimeField()
    received_at = models.DateTimeField()
    received_by = models.CharField(max_length=80)
    state = models.CharField(max_length=6, choices=LateState.choices)
    clash = models.CharField(max_length=8, choices=Clash.choices, blank=True)
    message = models.CharField(max_length=200, blank=True)
    ticket = models.ForeignKey(Ticket, models.PROTECT, null=True, related_name="+", db_index=False)
    opened_at = models.DateTimeField(null=True)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=80, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["contract", "key"], name="late_deed_once")]
        indexes = [
            models.Index(fields=["contract", "about"], name="late_deed_about"),
            models.Index(fields=["contract", "state"], name="late_deed_open", condition=Q(state__in=["clash", "behind"])),
        ]


class Pack(TenantModel):
    """What a site needs on paper for one day when everything fails. ``content`` is sealed and goes when the day is over.

    ``problem`` says why the last try to make it failed; ``opened_at`` and ``opened_by`` who looked first, so that an unopened pack is seen.
    """

    site = models.ForeignKey(Site, models.PROTECT, related_name="+", db_index=False)
    day = models.DateField()
    made_at = models.DateTimeField(null=True)
    bookings = models.IntegerField(default=0)
    content = models.BinaryField(null=True)
    problem = models.CharField(max_length=200, blank=True)
    opened_at = models.DateTimeField(null=True)
    opened_by = models.CharField(max_length=80, blank=True)
    opens = models.IntegerField(default=0)
    erased_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-day", "site_id"]
        constraints = [models.UniqueConstraint(fields=["contract", "site", "day"], name="pack_of_a_day")]
