"""Cases of a visit: opened when the party sits down at a window, done before its procedures count as done, settled when it leaves."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.db import transaction

from madoguchi.domain.booking.models import Attendee
from madoguchi.domain.reception.enums import Outcome
from madoguchi.domain.reception.models import Ticket
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor
from madoguchi.ground.kit.clock import JST

from ..enums import End, MoveKind, Pause, Side, State
from ..errors import CaseRefused
from ..hands import Hand, user_of
from ..models import Case, Move
from ..queries.flows import usual_flows, worked
from ..rules import FlowRefused, resume_point
from . import work

LEFT_AS = {Outcome.LEFT: End.GIVEN_UP, Outcome.REFERRED: End.MOVED}


def open_for(contract: Contract, ticket: Ticket, *, hand: Hand, now: dt.datetime) -> list[Case]:
    """The cases of a party that sits down: one for each person and procedure still to be served, opened or gone on with.

    The first is in the hand of who serves, the others wait for him. Nothing is opened for a procedure without a flow, nor where
    fewer or more people came for a booked procedure than were booked: then a person says who is there. Done again it changes nothing.
    """
    with contract_scope(contract):
        usual = usual_flows(contract, now.astimezone(JST).date())
        for procedure, count in ticket.left:
            if procedure not in usual:
                continue
            people = _people(ticket, procedure, count)
            for n, person in enumerate(people, 1):
                _open(contract, ticket, usual[procedure], procedure, person, n, hand=hand, now=now)
        found = list(Case.objects.filter(ticket=ticket).exclude(state=State.ENDED).order_by("id"))
        first = next((case for case in found if case.state == State.ACTIVE and case.side == Side.COUNTER), None)
        if first is not None and first.owner != hand.user:
            _take(contract, first, ticket, hand, now)
        return found


def _people(ticket: Ticket, procedure: str, count: int) -> list[Attendee | None]:
    if ticket.booking_id is None:
        return [None] * count
    booked = list(Attendee.objects.filter(booking_id=ticket.booking_id, procedure__code=procedure).order_by("position"))
    if not booked:
        return [None] * count
    return list(booked) if len(booked) == count else []


def _open(
    contract: Contract, ticket: Ticket, flow: str, procedure: str, person: Attendee | None, n: int, *, hand: Hand, now: dt.datetime
) -> None:
    visit = work.Visit(ticket.site.code, ticket.language, ticket=ticket)
    if person is not None:
        known = Case.objects.filter(booking_id=person.booking_id, position=person.position, procedure__code=procedure).exclude(state=State.ENDED).first()
        if known is not None:
            if known.state == State.INTERRUPTED:
                work.resume(contract, known.pk, ticket=ticket, version=known.moves, key=f"visit-{ticket.pk}-{known.pk}", hand=hand, now=now)
            return
        assert ticket.booking is not None
        visit = work.Visit(ticket.site.code, booking=ticket.booking.code, position=person.position, ticket=ticket)
    work.open_case(contract, flow, procedure, visit, key=f"visit-{ticket.pk}-{procedure}-{n}", hand=hand, now=now, owned=False)


def _take(contract: Contract, case: Case, ticket: Ticket, hand: Hand, now: dt.datetime) -> None:
    """The first case of the party is worked on by who serves it, where that person may."""
    try:
        with transaction.atomic():
            work.take(
                contract, case.pk, instead_of=case.owner_id, version=case.moves, key=f"visit-{ticket.pk}-t{case.moves}", hand=hand, now=now
            )  # fmt: skip
    except CaseRefused:
        return


@transaction.atomic
def go_on(contract: Contract, ticket: Ticket, case_id: int, *, key: str, hand: Hand, now: dt.datetime) -> Case:
    """The visitor comes for a case of another day: it goes on in this visit. A case opened for him today by the same procedure, on
    which nothing was done yet, is taken back.

    Raises :class:`CaseRefused` for a case that is not interrupted or of another place.
    """
    with contract_scope(contract):
        case = Case.objects.select_related("procedure", "site").filter(pk=case_id).first()
        if case is None:
            raise CaseRefused("この番号の案件はありません。控えの案件番号を確かめてください。")
        if case.state != State.INTERRUPTED and not Move.objects.filter(case=case, key=key).exists():
            raise CaseRefused(f"案件{case.pk}は中断中ではありません（{State(case.state).label}）。番号を確かめてください。")
        untouched = Case.objects.filter(ticket=ticket, procedure=case.procedure, state=State.ACTIVE).exclude(pk=case.pk).order_by("id")
        done = work.resume(contract, case.pk, ticket=ticket, version=case.moves, key=key, hand=hand, now=now)
        for other in untouched:
            if not Move.objects.filter(case=other).exclude(kind__in=[MoveKind.OPENED, MoveKind.TAKEN]).exists():
                work.undo(contract, other.pk, text=f"案件{case.pk}の続きだった", version=other.moves, key=f"{key}-undo", hand=hand, now=now)
                break
        return done


def require_done(contract: Contract, ticket: Ticket, procedures: Sequence[str]) -> None:
    """Refuse that procedures of a party count as done while a case of them is in hand at the counter (inside the scope).

    A case that is with the city or was interrupted does not hold the party back. Raises :class:`CaseRefused`.
    """
    in_hand = Case.objects.filter(ticket=ticket, procedure__code__in=procedures, state=State.ACTIVE, side=Side.COUNTER)
    open_ones = list(in_hand.order_by("id").values_list("pk", "procedure__legal_name"))
    if open_ones:
        (pk, name), *others = open_ones
        more = f"（ほか{len(others)}件）" if others else ""
        raise CaseRefused(f"「{name}」の案件{pk}が終わっていません{more}。案件を終えるか、中断してから、手続きを終えてください。")


def record_done(contract: Contract, ticket: Ticket, procedures: Sequence[str], *, hand: Hand, now: dt.datetime) -> None:
    """The cases of procedures that were finished without the system are on record as done (inside the scope)."""
    for case in Case.objects.filter(ticket=ticket, procedure__code__in=procedures, state=State.ACTIVE).order_by("id"):
        work.record_done(contract, case.pk, version=case.moves, key=f"visit-{ticket.pk}-recorded-{case.pk}", hand=hand, now=now)


def of_use(ticket: Ticket, finishing: Sequence[str]) -> bool:
    """Whether somebody of a party got something done, or may still: a case that was done or has not ended, a procedure without cases (inside the scope)."""
    cases = list(Case.objects.filter(ticket=ticket).exclude(outcome=End.VOID).values_list("procedure__code", "state", "outcome"))
    without = {*ticket.done, *finishing} - {procedure for procedure, *_ in cases}
    return bool(without) or any(state != State.ENDED or outcome == End.DONE for _, state, outcome in cases)


def settle(contract: Contract, ticket: Ticket, outcome: Outcome, *, by: Actor, now: dt.datetime) -> None:
    """A visit is over: what is still in hand at the counter ends as the visit did, or waits for another day (inside the scope).

    Who has left or was sent elsewhere ends his cases; who did not come when called again may come back, where the step can be gone on with.
    """
    left = list(Case.objects.filter(ticket=ticket, state=State.ACTIVE, side=Side.COUNTER).order_by("id").values_list("pk", flat=True))
    if not left:
        return
    hand = Hand(user_of(by), "leader", by)
    for case in Case.objects.filter(pk__in=left).select_related("flow").order_by("id"):
        key = f"visit-{ticket.pk}-closed-{case.pk}-{case.moves}"
        if outcome not in LEFT_AS and _may_wait(contract, case):
            work.interrupt(contract, case.pk, Pause.PERSON, version=case.moves, key=key, hand=hand, now=now)
        else:
            work.end(contract, case.pk, LEFT_AS.get(outcome, End.GIVEN_UP), version=case.moves, key=key, hand=hand, now=now)


def _may_wait(contract: Contract, case: Case) -> bool:
    try:
        resume_point(worked(contract, case.flow), case.step, "leader")
    except FlowRefused:
        return False
    return True
