"""Reads of cases. Inside ``contract_scope``; who shows notes reports the look."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import QuerySet

from madoguchi.domain.booking.models import Attendee
from madoguchi.ground.accounts.models import User
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.privacy.sealing import keyring

from .. import history
from ..enums import End, MoveKind, Pause, Side, State
from ..models import Case, FlowVersion, Move
from ..rules import Flow, Step
from ..words import NOTE
from .flows import worked

MOST = 200


@dataclass(frozen=True)
class Listed:
    """A case on a list: what it is, where it stands, and for how long."""

    case: Case
    flow: Flow
    step: Step
    pause: str


def open_cases(contract: Contract) -> list[Listed]:
    """All cases that have not ended, those that stand longest first; at most ``MOST``."""
    return _listed(contract, Case.objects.exclude(state=State.ENDED).order_by("since", "id")[:MOST])


def ended_on(contract: Contract, day: dt.date) -> list[Listed]:
    """Cases that ended on a day, the latest first; at most ``MOST``."""
    start = dt.datetime.combine(day, dt.time(), JST)
    found = Case.objects.filter(state=State.ENDED, ended_at__gte=start, ended_at__lt=start + dt.timedelta(days=1))
    return _listed(contract, found.order_by("-ended_at", "-id")[:MOST])


def cases_of_booking(contract: Contract, booking_id: int) -> list[Listed]:
    """Cases of a booking's people, in their order."""
    return _listed(contract, Case.objects.filter(booking_id=booking_id).order_by("position", "id"))


def cases_of_ticket(contract: Contract, ticket_id: int) -> list[Listed]:
    """Cases that are, or were last, worked in a visit, in the order in which they were opened; without those opened by mistake."""
    return _listed(contract, Case.objects.filter(ticket_id=ticket_id).exclude(outcome=End.VOID).order_by("id"))


def standing_of(tickets: Sequence[int]) -> dict[int, tuple[int, int]]:
    """For visits on hold: how many of their cases are with the city, and how many at the counter, of those not ended. None of either: not named."""
    found: dict[int, tuple[int, int]] = {}
    rows = Case.objects.filter(ticket__in=tickets, state=State.ACTIVE).values_list("ticket_id", "side")
    for ticket, side in rows:
        city, counter = found.get(ticket, (0, 0))
        found[ticket] = (city + 1, counter) if side == Side.CITY else (city, counter + 1)
    return found


def case_of(contract: Contract, pk: int) -> Listed | None:
    """One case; None when there is none of this number."""
    return next(iter(_listed(contract, Case.objects.filter(pk=pk))), None)


def booked_procedure(code: str, position: int) -> str:
    """The procedure that one person of a booking comes for; empty where there is no such person."""
    found = Attendee.objects.filter(booking__code=code, position=position).values_list("procedure__code", flat=True).first()
    return str(found or "")


def _listed(contract: Contract, found: QuerySet[Case]) -> list[Listed]:
    cases = list(found.select_related("procedure", "site", "booking", "ticket"))
    flows = _flows(contract, {case.flow_id for case in cases})
    paused = [case.pk for case in cases if case.state == State.INTERRUPTED]
    pauses = dict(Move.objects.filter(case__in=paused, kind=MoveKind.INTERRUPTED).order_by("n").values_list("case_id", "pause"))
    people = User.objects.in_bulk({pk for case in cases for pk in (case.owner_id, case.examiner_id) if pk})
    rows = []
    for case in cases:
        if case.owner_id:
            case.owner = people[case.owner_id]
        if case.examiner_id:
            case.examiner = people[case.examiner_id]
        flow = flows[case.flow_id]
        step = flow.step(case.step)
        label = str(Pause(pauses[case.pk]).label) if case.pk in pauses else ""
        rows.append(Listed(case, flow, step, label))
    return rows


def _flows(contract: Contract, ids: Iterable[int]) -> dict[int, Flow]:
    return {version.pk: worked(contract, version) for version in FlowVersion.objects.filter(pk__in=set(ids))}


@dataclass(frozen=True, repr=False)
class Told:
    """One move as a person reads it."""

    n: int
    at: dt.datetime
    kind: str
    who: str
    side: str
    what: str
    detail: tuple[str, ...]
    missing: tuple[str, ...]
    spent: str
    seconds: int
    text: str


def moves_of(contract: Contract, listed: Listed) -> list[Told]:
    """The history of a case, oldest first, with the words of its notes."""
    ring, flow = keyring(contract), listed.flow
    return [_told(flow, move, ring.unseal_json(NOTE, move.words)["text"] if move.words else "") for move in _moves(listed.case)]


def _told(flow: Flow, move: Move, text: str) -> Told:
    titles = {step.code: step for step in flow.steps}
    here = titles.get(move.from_step)
    way = here.way(move.way) if here else None
    labels = {item.code: item.label for item in here.items} if here else {}
    reasons = {reason.code: reason.label for reason in way.reasons} if way else {}
    detail = [way.label] if way else []
    detail += [reasons[move.reason]] if move.reason in reasons else []
    detail += [str(Pause(move.pause).label)] if move.pause else []
    detail += [f"{move.undoes}番を取り消し"] if move.undoes else []
    return Told(
        n=move.n, at=move.at, kind=str(MoveKind(move.kind).label), who=str(move.by or "システム"), side="市" if move.part == "city" else "窓口",
        what=here.title if here else "", detail=tuple(detail), missing=tuple(labels.get(code, code) for code in move.missing),
        spent=str(move.get_spent_display()), seconds=move.seconds, text=text,
    )  # fmt: skip


def _moves(case: Case) -> Sequence[Move]:
    return list(Move.objects.filter(case=case).select_related("by").order_by("n"))


def undoable(case: Case) -> Move | None:
    """The move that taking back would undo."""
    return history.last_step(_moves(case))


def seconds_of(case: Case) -> dict[str, int]:
    """Seconds by what they were spent on, until the last move."""
    return dict(history.spent(_moves(case)))
