"""Reads of calls: what figures need, who waits, lists, one call. All run inside ``contract_scope``; days are Japan's, both ends included."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, QuerySet, Subquery, Sum

from madoguchi.ground.accounts.queries import names_of
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.queries import calendar_of
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.privacy.sealing import Keyring

from ..enums import UNANSWERED, CallbackEnd, Direction, Outcome
from ..figures import Counted
from ..models import Call, Callback, CallEvent, Contact
from ..sentences import choice_label, event_sentence, heard, menu_labels
from ..words import NUMBER, plain_number

HALF_HOUR = dt.timedelta(minutes=30)
REACHED = (CallbackEnd.REACHED, CallbackEnd.CALLED_AGAIN)


def midnight(day: dt.date) -> dt.datetime:
    """The moment at which a day begins in Japan."""
    return dt.datetime.combine(day, dt.time(), JST)


def half_hour_of(moment: dt.datetime) -> dt.datetime:
    """The half hour in which a moment lies, by its start, in Japan's time."""
    local = moment.astimezone(JST)
    return local.replace(minute=local.minute // 30 * 30, second=0, microsecond=0)


def incoming(contract: Contract, first: dt.date, last: dt.date) -> QuerySet[Call]:
    """Calls that reached us on these days, the first one first."""
    begin, end = midnight(first), midnight(last + dt.timedelta(days=1))
    found: QuerySet[Call] = Call.objects.filter(contract=contract, direction=Direction.IN, opened_at__gte=begin, opened_at__lt=end)
    return found.order_by("opened_at", "id")


def counted(contract: Contract, first: dt.date, last: dt.date) -> list[Counted]:
    """What the figures need of every incoming call of these days; one statement for any number of calls."""
    rows = incoming(contract, first, last).annotate(
        called_back=Exists(Callback.objects.filter(call=OuterRef("pk"), outcome__in=REACHED)),
        wrapup=Subquery(Contact.objects.filter(call=OuterRef("pk")).order_by().values("call").annotate(n=Sum("wrapup_seconds")).values("n")),
    )
    columns = ("id", "opened_at", "outcome", "wait_seconds", "talk_seconds", "hold_seconds", "wrapup", "total_seconds", "called_back")
    return [
        Counted(pk, opened.astimezone(JST), Outcome(outcome), wait, talk, hold, wrapup, total, back)
        for pk, opened, outcome, wait, talk, hold, wrapup, total, back in rows.values_list(*columns)
    ]


@dataclass(frozen=True, slots=True)
class HalfHour:
    """Calls of one half hour in which the telephone was open: that reached us, that people answered, and the seconds that people
    were busy with them together (talk, hold, after-call work)."""

    start: dt.datetime
    offered: int
    answered: int
    handle_seconds: int


def first_day(since: dt.date) -> dt.date | None:
    """The first day from ``since`` on with a call on record (inside ``contract_scope``)."""
    begin = dt.datetime.combine(since, dt.time(), JST)
    first = Call.objects.filter(opened_at__gte=begin, direction=Direction.IN).order_by("opened_at").values_list("opened_at", flat=True).first()
    return first.astimezone(JST).date() if first else None


def measured(contract: Contract, first: dt.date, last: dt.date) -> list[HalfHour]:
    """Every open half hour of these days in order, also one without a call; calls of closed hours are left out."""
    found: Counter[tuple[dt.datetime, str]] = Counter()
    for call in counted(contract, first, last):
        start = half_hour_of(call.opened_at)
        if call.outcome != Outcome.CLOSED:
            found[start, "offered"] += 1
        if call.outcome == Outcome.ANSWERED:
            found[start, "answered"] += 1
            found[start, "handle"] += (call.talk_seconds or 0) + call.hold_seconds + (call.wrapup_seconds or 0)
    days = calendar_of(contract, first, last).days(contract.profile.sites[0].code, "phone", first, last)
    starts = [at for day in days for begin, end in day.intervals for at in _half_hours(day.date, begin, end)]
    return [HalfHour(at, found[at, "offered"], found[at, "answered"], found[at, "handle"]) for at in starts]


def _half_hours(day: dt.date, begin: dt.time, end: dt.time) -> Iterator[dt.datetime]:
    at, until = half_hour_of(dt.datetime.combine(day, begin, JST)), dt.datetime.combine(day, end, JST)
    while at < until:
        yield at
        at += HALF_HOUR


@dataclass(frozen=True, slots=True)
class Waiting:
    """A caller who waits for an operator now."""

    id: int
    since: dt.datetime
    choice: str
    language: str


def waiting_now(contract: Contract) -> list[Waiting]:
    """Who waits now, the longest first: in the queue, not answered, not over."""
    labels = menu_labels(contract.profile)
    rows = Call.objects.filter(contract=contract, ended_at=None, answered_at=None, queued_at__isnull=False, outcome=Outcome.OPEN)
    return [
        Waiting(pk, since.astimezone(JST), choice_label(choice, labels), language)
        for pk, since, choice, language in rows.order_by("queued_at", "id").values_list("id", "queued_at", "choice", "language")
    ]


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A call in opening hours that nobody spoke with, and whether the caller is still owed something.

    ``later`` is when the same number was answered afterwards; ``callback`` is the call-back of this call, if any.
    """

    call: Call
    heard: str
    later: dt.datetime | None
    callback: Callback | None

    @property
    def owed(self) -> bool:
        """The caller can be called, was not spoken with since, and nobody ended the call-back."""
        if self.callback is not None:
            return self.callback.ended_at is None
        return self.later is None and self.call.number_index is not None

    @property
    def standing(self) -> str:
        """How it stands, in words."""
        if self.callback is not None:
            return "折り返し待ち" if self.callback.ended_at is None else f"折り返し：{CallbackEnd(self.callback.outcome).label}"
        if self.later is not None:
            return "その後つながった"
        if self.call.withheld:
            return "番号非通知（折り返せない）"
        return "折り返していない" if self.owed else "番号なし（折り返せない）"


def unanswered(contract: Contract, first: dt.date, last: dt.date) -> list[Unanswered]:
    """Unanswered calls of these days, the first one first; two statements for any number of calls."""
    later = Call.objects.filter(
        contract=contract, number_index=OuterRef("number_index"), direction=Direction.IN, outcome=Outcome.ANSWERED,
        opened_at__gt=OuterRef("opened_at"),
    ).order_by("opened_at")  # fmt: skip
    rows = list(
        incoming(contract, first, last).filter(outcome__in=UNANSWERED).annotate(later=Subquery(later.values("answered_at")[:1]))
    )
    callbacks = {one.call_id: one for one in Callback.objects.filter(contract=contract, call_id__in=[row.pk for row in rows])} if rows else {}
    return [Unanswered(row, heard(row.outcome, row.why), _local(row.later), callbacks.get(row.pk)) for row in rows]


@dataclass(frozen=True)
class Conditions:
    """What a list of calls is narrowed to; empty values do not restrict. ``operator`` is the id of an account."""

    first: dt.date
    last: dt.date
    outcome: str = ""
    unanswered: bool = False
    choice: str = ""
    language: str = ""
    operator: int | None = None


def listed(contract: Contract, conditions: Conditions) -> QuerySet[Call]:
    """The calls of these conditions, the newest first."""
    found = incoming(contract, conditions.first, conditions.last).select_related("operator").order_by("-opened_at", "-id")
    if conditions.unanswered:
        found = found.filter(outcome__in=UNANSWERED)
    if conditions.operator is not None:
        found = found.filter(operator_id=conditions.operator)
    wanted = {"outcome": conditions.outcome, "choice": conditions.choice, "language": conditions.language}
    return found.filter(**{name: value for name, value in wanted.items() if value})


def of_number(contract: Contract, ring: Keyring, number: str) -> QuerySet[Call]:
    """The calls of one number in either direction, the newest first; ``number`` as people type it."""
    index = ring.blind("phone", plain_number(number))
    found: QuerySet[Call] = Call.objects.filter(contract=contract, number_index=index).select_related("operator")
    return found.order_by("-opened_at", "-id")


def callbacks_of(contract: Contract, calls: Sequence[Call]) -> dict[int, Callback]:
    """Call-backs by the id of their call."""
    return {one.call_id: one for one in Callback.objects.filter(contract=contract, call__in=calls)}


def number_of(ring: Keyring, call: Call) -> str:
    """The caller's number; empty when it was withheld or is erased. Whoever shows it reports the look."""
    return str(ring.unseal_json(NUMBER, call.number)["number"]) if call.number else ""


@dataclass(frozen=True, slots=True)
class Step:
    """One event of a call as people read it."""

    at: dt.datetime
    text: str


@dataclass(frozen=True)
class Detail:
    """One call with everything that belongs to it."""

    call: Call
    steps: tuple[Step, ...]
    counted: Counted
    contacts: tuple[Contact, ...]
    callback: Callback | None
    others: tuple[Call, ...]

    @property
    def later(self) -> dt.datetime | None:
        """When the same number was answered after this call went unanswered."""
        if not self.call.unanswered:
            return None
        spoken = (one.opened_at for one in self.others if one.direction == Direction.IN and one.outcome == Outcome.ANSWERED)
        return min((at.astimezone(JST) for at in spoken if at > self.call.opened_at), default=None)


OTHERS_SHOWN = 20


def detail(contract: Contract, call_id: int) -> Detail | None:
    """One call by id; None when there is none."""
    call = Call.objects.filter(contract=contract, pk=call_id).select_related("operator").first()
    if call is None:
        return None
    events = list(CallEvent.objects.filter(contract=contract, call=call).order_by("at", "id"))
    names = names_of({event.agent for event in events} | {str(event.data.get("to") or "") for event in events})
    hung_up = {event.at for event in events if event.kind == "abandoned"}
    contacts = tuple(Contact.objects.filter(contract=contract, call=call).select_related("operator").order_by("at", "id"))
    callback = Callback.objects.filter(contract=contract, call=call).select_related("owner").first()
    others: tuple[Call, ...] = ()
    if call.number_index is not None:
        same = Call.objects.filter(contract=contract, number_index=call.number_index).exclude(pk=call.pk).select_related("operator")
        others = tuple(same.order_by("-opened_at")[:OTHERS_SHOWN])
    return Detail(
        call=call,
        steps=tuple(
            Step(e.at.astimezone(JST), event_sentence(e.kind, e.data, e.agent, e.queue, names, menu_labels(contract.profile)))
            for e in events
            if not (e.kind == "ended" and e.at in hung_up)
        ),
        counted=Counted(
            call.pk, call.opened_at.astimezone(JST), Outcome(call.outcome), call.wait_seconds, call.talk_seconds, call.hold_seconds,
            _sum(one.wrapup_seconds for one in contacts), call.total_seconds, callback is not None and callback.outcome in REACHED,
        ),
        contacts=contacts,
        callback=callback,
        others=others,
    )  # fmt: skip


def _sum(seconds: Iterable[int | None]) -> int | None:
    """The known ones together; None when none is known."""
    known = [n for n in seconds if n is not None]
    return sum(known) if known else None


def _local(moment: dt.datetime | None) -> dt.datetime | None:
    return moment.astimezone(JST) if moment else None
