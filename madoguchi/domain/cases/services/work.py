"""Deeds of cases: open, take on, finish a step, interrupt, go on, take back, end.

Every deed locks the case, checks the number of the last move that its screen showed, writes the next move, and puts the case in order
with it. A deed that is sent again under the same ``key`` changes nothing and answers with the case.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from madoguchi.domain.booking.enums import State as BookingState
from madoguchi.domain.booking.models import Attendee, Booking
from madoguchi.domain.booking.rules import read_code
from madoguchi.domain.cards.errors import CardsRefused
from madoguchi.domain.cards.models import Card
from madoguchi.domain.cards.services import ends as stock
from madoguchi.domain.cards.services.moving import locked as locked_card
from madoguchi.domain.procedures.models import Procedure
from madoguchi.domain.reception.models import Ticket
from madoguchi.ground.accounts.models import User
from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.models import Contract, Site
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Channel
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.privacy.guard import refuse_individual_number
from madoguchi.ground.privacy.sealing import keyring
from madoguchi.ground.worklog.services import note as note_fact
from madoguchi.ground.worklog.services import take_back

from .. import history
from ..enums import End, MoveKind, Pause, Side, Spent, State
from ..errors import CaseRefused
from ..hands import Hand
from ..models import Case, Move
from ..queries.flows import body_of, worked
from ..rules import CONTRACTOR, Flow, FlowRefused, Line, leave, may_end, resume_point
from ..words import NOTE
from .flows import version_in_force

LONGEST = 1000
GONE = "この案件は、別の操作で先に進んでいます。画面を開き直して、いまの手順を確かめてください。"


@dataclass(frozen=True, slots=True)
class Visit:
    """For whom a case is opened: a place, and the attendee of a booking, or a language alone; the ticket of who came to the counter."""

    site: str
    language: str = "ja"
    booking: str = ""
    position: int = 1
    ticket: Ticket | None = None


@transaction.atomic
def open_case(
    contract: Contract, flow: str, procedure: str, visit: Visit, *, key: str, hand: Hand, now: dt.datetime, owned: bool = True
) -> Case:
    """Open a case for one person and one procedure; who opens it has it, unless it is to wait (``owned``).

    Raises :class:`CaseRefused` where the flow or procedure is not done at the site, the booking is not there, or the person has an open case.
    """
    with contract_scope(contract):
        if before := Move.objects.filter(key=key, kind=MoveKind.OPENED).select_related("case").first():
            return before.case
        version = version_in_force(contract, flow, now=now)
        if procedure not in body_of(version).procedures:
            raise CaseRefused("この流れで扱わない手続きです。手続きを選び直してください。")
        sites = {site.code: site for site in contract.profile.sites}
        if visit.site not in sites or procedure not in sites[visit.site].services:
            raise CaseRefused("この場所では扱わない手続きです。場所か手続きを選び直してください。")
        attendee = _attendee(visit) if visit.booking else None
        first = worked(contract, version).first
        case = Case(
            contract=contract, procedure=Procedure.objects.get(code=procedure), flow=version, site=Site.objects.get(code=visit.site),
            booking=attendee.booking if attendee else None, position=attendee.position if attendee else None,
            ticket=visit.ticket, channel=attendee.booking.channel if attendee else Channel.COUNTER,
            language=attendee.booking.language if attendee else visit.language, opened_at=now, step=first, side=Side.COUNTER,
            state=State.ACTIVE, since=now, moves=1, owner=hand.user if owned and hand.part in CONTRACTOR else None,
        )  # fmt: skip
        try:
            with transaction.atomic():
                case.save(force_insert=True)
                _write(contract, case, MoveKind.OPENED, Spent.NONE, n=1, to_step=first, ticket=visit.ticket, key=key, hand=hand, now=now)
        except IntegrityError:
            if before := Move.objects.filter(key=key, kind=MoveKind.OPENED).select_related("case").first():
                return before.case
            raise CaseRefused("この方のこの手続きの案件は、すでに開いています。案件の一覧から続けてください。") from None
        _fact(contract, case, "case.opened", hand=hand, now=now)
        audit.record(contract, "case.opened", f"case:{case.pk}", by=hand.by, now=now, flow=flow, version=version.number, procedure=procedure)
        return case


def _attendee(visit: Visit) -> Attendee:
    booking = Booking.objects.filter(code=read_code(visit.booking)).first()
    if booking is None or booking.state != BookingState.BOOKED:
        raise CaseRefused("この予約番号の予約はありません。番号を確かめるか、空にして予約なしで開いてください。")
    found = Attendee.objects.filter(booking=booking, position=visit.position).select_related("booking").first()
    if found is None:
        raise CaseRefused(f"この予約に{visit.position}人目の方はいません。{booking.people}人の予約です。")
    return found


def take(
    contract: Contract, case_id: int, *, instead_of: int | None = None, version: int, key: str, hand: Hand, now: dt.datetime
) -> Case:
    """Take a case on, at the counter or for the city; from somebody who has it only knowingly (``instead_of`` is that account)."""
    with contract_scope(contract):
        case, again = _locked(case_id, version, key)
        if again:
            return case
        _must_be(case, State.ACTIVE)
        _may_act(contract, case, hand)
        holder = _holder(case)
        if holder == hand.member.pk:
            return case
        if holder not in (None, instead_of):
            raise CaseRefused(f"{User.objects.get(pk=holder)}さんが担当しています。")
        _next(contract, case, MoveKind.TAKEN, from_step=case.step, to_step=case.step, key=key, hand=hand, now=now)
        return _saved(contract, case, "case.taken", holder=hand.user, hand=hand, now=now)


def finish_step(
    contract: Contract, case_id: int, way: str, *, ticked: Collection[str] = (), missing: Collection[str] = (), reason: str = "",
    text: str = "", card: str = "", outside: bool = False, version: int, key: str, hand: Hand, now: dt.datetime,
) -> Case:  # fmt: skip
    """Leave the step by a way, with what was checked. A hand-over passes the case to the city; the city's answer brings it back.

    A way that gives the person a card takes it out of the stock: ``card`` is its number; ``outside``: it never was in the stock.
    Raises :class:`CaseRefused` as :func:`.rules.leave` does, when somebody else has the case or has moved it on, and for a card that
    cannot be given to this person.
    """
    with contract_scope(contract), audit.held_back():
        case, again = _locked(case_id, version, key)
        if again:
            return case
        _must_be(case, State.ACTIVE)
        flow = _flow(contract, case)
        step = flow.step(case.step)
        try:
            left = leave(flow, case.step, way, part=hand.part, ticked=ticked, missing=missing, reason=reason)
        except FlowRefused as refused:
            raise CaseRefused(str(refused)) from None
        holder = _holder(case)
        if holder not in (None, hand.member.pk):
            raise CaseRefused(f"{User.objects.get(pk=holder)}さんが担当しています。代わるときは「担当を代わる」を押してください。")
        taken = step.way(way)
        if taken is not None and taken.hands_over and contract.profile.cards is not None and not outside:
            case.card = _give_card(contract, case, card, hand, now)
        kind = MoveKind.ENDED if left.outcome else MoveKind.HANDED if step.kind == "handover" else MoveKind.ANSWERED if step.decides else MoveKind.DONE
        _next(
            contract, case, kind, from_step=case.step, to_step=left.to or "", way=way, reason=reason, ticked=sorted(ticked), missing=left.missing,
            text=text, key=key, hand=hand, now=now,
        )  # fmt: skip
        if case.side == Side.CITY:
            case.examiner = hand.user
        else:
            case.owner = hand.user
        if step.decides:
            wait, handle = history.examination(_moves(case))
            _fact(contract, case, "case.examined", outcome=reason or way, wait=wait, handle=handle, hand=hand, now=now)
        if left.outcome:
            _end(contract, case, End(left.outcome), hand=hand, now=now)
        else:
            assert left.to is not None
            _stand_at(case, flow, left.to)
        return _saved(contract, case, f"case.{kind}", hand=hand, now=now, step=step.code, way=way, reason=reason)


def _give_card(contract: Contract, case: Case, number: str, hand: Hand, now: dt.datetime) -> Card:
    """Take the card that the person of a case gets out of the stock."""
    if not number.strip():
        raise CaseRefused("渡すカードの管理番号を読み取ってください。在庫に登録のないカードのときは、その欄にチェックを入れてください。")
    try:
        card = locked_card(contract, number)
        if card.booking_id is not None and card.booking_id != case.booking_id:
            raise CaseRefused(f"{card.number} は、別の予約の方のカードです。管理番号を確かめてください。")
        return stock.issue(contract, number, user=hand.member, by=hand.by, now=now)
    except CardsRefused as refused:
        raise CaseRefused(str(refused)) from None


def interrupt(
    contract: Contract, case_id: int, pause: Pause, *, text: str = "", version: int, key: str, hand: Hand, now: dt.datetime
) -> Case:
    """Lay a case aside for another day; it will go on at the step's resume point. Raises :class:`CaseRefused` where the step has none."""
    with contract_scope(contract):
        case, again = _locked(case_id, version, key)
        if again:
            return case
        _must_be(case, State.ACTIVE)
        try:
            point = resume_point(_flow(contract, case), case.step, hand.part)
        except FlowRefused as refused:
            raise CaseRefused(str(refused)) from None
        _next(contract, case, MoveKind.INTERRUPTED, from_step=case.step, to_step=point, pause=pause, text=text, key=key, hand=hand, now=now)
        case.state, case.step, case.owner = State.INTERRUPTED, point, None
        return _saved(contract, case, "case.interrupted", hand=hand, now=now, pause=pause)


def resume(
    contract: Contract, case_id: int, *, ticket: Ticket | None = None, version: int, key: str, hand: Hand, now: dt.datetime
) -> Case:
    """Go on with an interrupted case, in the visit of ``ticket``; who does so has it."""
    with contract_scope(contract):
        case, again = _locked(case_id, version, key)
        if again:
            return case
        _must_be(case, State.INTERRUPTED)
        _may_act(contract, case, hand)
        _next(contract, case, MoveKind.RESUMED, from_step=case.step, to_step=case.step, ticket=ticket, key=key, hand=hand, now=now)
        case.state, case.ticket = State.ACTIVE, ticket or case.ticket
        return _saved(contract, case, "case.resumed", holder=hand.user, hand=hand, now=now)


def note(contract: Contract, case_id: int, text: str, *, version: int, key: str, hand: Hand, now: dt.datetime) -> Case:
    """Add a note; it is sealed, and erased with the visit's personal data."""
    if not text.strip():
        raise CaseRefused("メモを入力してください。")
    with contract_scope(contract):
        case, again = _locked(case_id, version, key)
        if again:
            return case
        _next(contract, case, MoveKind.NOTED, from_step=case.step, to_step=case.step, text=text, key=key, hand=hand, now=now)
        return _saved(contract, case, "case.noted", hand=hand, now=now)


def end(
    contract: Contract, case_id: int, outcome: End, *, text: str = "", version: int, key: str, hand: Hand, now: dt.datetime
) -> Case:
    """End a case because the person leaves: given up, or moved to another counter. Raises :class:`CaseRefused`."""
    with contract_scope(contract):
        case, again = _locked(case_id, version, key)
        if again:
            return case
        if case.state == State.ENDED:
            raise CaseRefused("この案件は、すでに終わっています。")
        try:
            may_end(outcome)
        except FlowRefused as refused:
            raise CaseRefused(str(refused)) from None
        _next(contract, case, MoveKind.ENDED, from_step=case.step, text=text, key=key, hand=hand, now=now)
        _end(contract, case, outcome, hand=hand, now=now)
        return _saved(contract, case, "case.ended", hand=hand, now=now, outcome=outcome)


def record_done(contract: Contract, case_id: int, *, version: int, key: str, hand: Hand, now: dt.datetime) -> Case:
    """Put on record that a case was done without the system (on paper, on a tablet without a connection): ended, its steps not told."""
    with contract_scope(contract):
        case, again = _locked(case_id, version, key)
        if again:
            return case
        _must_be(case, State.ACTIVE)
        _next(contract, case, MoveKind.RECORDED, from_step=case.step, key=key, hand=hand, now=now)
        _end(contract, case, End.DONE, hand=hand, now=now)
        return _saved(contract, case, "case.recorded", hand=hand, now=now)


def record_card(contract: Contract, case_id: int, number: str, *, version: int, key: str, hand: Hand, now: dt.datetime) -> Case:
    """Say afterwards which card was handed over in a case that was done without the system. Raises :class:`CaseRefused`."""
    with contract_scope(contract), audit.held_back():
        case, again = _locked(case_id, version, key)
        if again:
            return case
        if not lacks_card(contract, case, _flow(contract, case)):
            raise CaseRefused("この案件に、記録するカードはありません。")
        case.card = _give_card(contract, case, number, hand, now)
        _next(contract, case, MoveKind.CARD, from_step=case.step, key=key, hand=hand, now=now)
        return _saved(contract, case, "case.card", hand=hand, now=now)


def lacks_card(contract: Contract, case: Case, flow: Flow) -> bool:
    """Whether a card left the stock in this case and nobody has said which (inside the scope)."""
    gives = contract.profile.cards is not None and any(way.hands_over for step in flow.steps for way in step.ways)
    return gives and case.card_id is None and case.outcome == End.DONE and Move.objects.filter(case=case, kind=MoveKind.RECORDED).exists()


def undo(contract: Contract, case_id: int, *, text: str, version: int, key: str, hand: Hand, now: dt.datetime) -> Case:
    """Take the last step back, with the reason: the case stands again where it stood. Facts of work are balanced.

    An opening taken back ends the case as opened by mistake. Raises :class:`CaseRefused` without a reason, when there is nothing to take
    back, for another side's step, for what the city has begun to examine, and for an end of an earlier day.
    """
    if not text.strip():
        raise CaseRefused("戻す理由を入力してください。")
    with contract_scope(contract), audit.held_back():
        case, again = _locked(case_id, version, key)
        if again:
            return case
        last = history.last_step(_moves(case))
        if last is None or case.outcome == End.VOID:
            raise CaseRefused("戻せる手順がありません。")
        _may_undo(case, last, hand, now)
        _next(contract, case, MoveKind.UNDONE, from_step=case.step, to_step=last.from_step, undoes=last.n, text=text, key=key, hand=hand, now=now)
        if last.kind == MoveKind.OPENED:
            take_back("case.opened", ref=f"case:{case.pk}", at=last.at, now=now)
            case.state, case.outcome, case.ended_at = State.ENDED, End.VOID, now
            return _saved(contract, case, "case.undone", hand=hand, now=now, move=last.n)
        if case.state == State.ENDED:
            take_back("case.ended", ref=f"case:{case.pk}", at=last.at, now=now)
            case.state, case.outcome, case.ended_at = State.ACTIVE, "", None
        flow = _flow(contract, case)
        undone = flow.step(last.from_step).way(last.way)
        gave = last.kind == MoveKind.RECORDED or (undone is not None and undone.hands_over)
        if gave and case.card is not None:
            try:
                stock.take_back(contract, case.card.number, words=text, user=hand.member, by=hand.by, now=now)
            except CardsRefused as refused:
                raise CaseRefused(str(refused)) from None
            case.card = None
        if last.way and flow.step(last.from_step).decides:
            take_back("case.examined", ref=f"case:{case.pk}", at=last.at, now=now)
        _stand_at(case, flow, last.from_step)
        holder = hand.user if hand.part in flow.step(case.step).by else None
        try:
            with transaction.atomic():
                return _saved(contract, case, "case.undone", holder=holder, hand=hand, now=now, move=last.n)
        except IntegrityError:
            raise CaseRefused("この方のこの手続きには、ほかに開いている案件があります。そちらを続けてください。") from None


def _may_undo(case: Case, last: Move, hand: Hand, now: dt.datetime) -> None:
    if (last.part == "city") != (hand.part == "city"):
        raise CaseRefused("相手の側の手順は戻せません。手順を行った側（窓口・市）の方に頼んでください。")
    if hand.part == "counter" and last.by_id != hand.member.pk:
        raise CaseRefused(f"{last.by}さんの手順です。戻せるのは本人か、リーダー・業務責任者です。")
    if last.kind == MoveKind.HANDED and case.examiner_id is not None:
        raise CaseRefused("市がすでに審査を始めています。市の回答を待ってください。")
    if case.state == State.ENDED and case.ended_at is not None and case.ended_at.astimezone(JST).date() != now.astimezone(JST).date():
        raise CaseRefused("終わった日が過ぎた案件は戻せません。新しい案件を開いてください。")


def _locked(case_id: int, version: int, key: str) -> tuple[Case, bool]:
    """The case under its lock, and whether this very deed was done before."""
    case = Case.objects.select_for_update(of=("self",)).select_related("flow", "site", "procedure", "card").filter(pk=case_id).first()
    if case is None:
        raise CaseRefused("この案件は見つかりません。")
    if Move.objects.filter(case=case, key=key).exists():
        return case, True
    if case.moves != version:
        raise CaseRefused(GONE)
    return case, False


def _must_be(case: Case, state: State) -> None:
    if case.state != state:
        raise CaseRefused("この案件は、すでに終わっています。" if case.state == State.ENDED else f"この案件は{State(case.state).label}です。")


def _flow(contract: Contract, case: Case) -> Flow:
    return worked(contract, case.flow)


def _holder(case: Case) -> int | None:
    holder: int | None = case.examiner_id if case.side == Side.CITY else case.owner_id
    return holder


def _may_act(contract: Contract, case: Case, hand: Hand) -> None:
    if hand.part not in _flow(contract, case).step(case.step).by:
        raise CaseRefused("いまの手順は、あなたの役割では行えません。")


def _stand_at(case: Case, flow: Flow, code: str) -> None:
    """Put the case at a step; a case that the city gets has no examiner yet."""
    side = Side.CITY if flow.step(code).line is Line.CITY else Side.COUNTER
    if side != case.side and side == Side.CITY:
        case.examiner = None
    case.step, case.side = code, side


def _end(contract: Contract, case: Case, outcome: End, *, hand: Hand, now: dt.datetime) -> None:
    spent = history.spent(_moves(case))
    case.state, case.outcome, case.ended_at = State.ENDED, outcome, now
    _fact(
        contract, case, "case.ended", outcome=outcome, wait=spent[Spent.CITY_WAIT] + spent[Spent.CITY_WORK], handle=spent[Spent.WORK],
        hand=hand, now=now,
    )  # fmt: skip


def _moves(case: Case) -> list[Move]:
    return list(Move.objects.filter(case=case).select_related("by").order_by("n"))


def _next(contract: Contract, case: Case, kind: MoveKind, *, now: dt.datetime, hand: Hand, key: str, text: str = "", **values: object) -> None:
    case.moves += 1
    seconds = max(0, round((now - case.since).total_seconds()))
    _write(contract, case, kind, _spent(case, hand), n=case.moves, seconds=seconds, key=key, hand=hand, now=now, text=text, **values)
    case.since = now


def _spent(case: Case, hand: Hand) -> Spent:
    """What the time until this move was. Work that nobody had taken on counts as the work of who finishes it at once."""
    if case.state == State.ENDED:
        return Spent.NONE
    if case.state == State.INTERRUPTED:
        return Spent.PAUSE
    if case.side == Side.CITY:
        return Spent.CITY_WAIT if case.examiner_id is None else Spent.CITY_WORK
    return Spent.IDLE if case.owner_id is None else Spent.WORK


def _write(
    contract: Contract, case: Case, kind: MoveKind, spent: Spent, *, key: str, hand: Hand, now: dt.datetime, text: str = "", **values: object
) -> None:
    Move.objects.create(
        contract=contract, case=case, kind=kind, at=now, by=hand.user, part=hand.part, spent=spent, key=key,
        words=_sealed(contract, text), **values,
    )  # fmt: skip


def _sealed(contract: Contract, text: str) -> bytes | None:
    if not text.strip():
        return None
    if len(text) > LONGEST:
        raise CaseRefused(f"メモは{LONGEST:,}文字までです。いまは{len(text):,}文字です。")
    try:
        refuse_individual_number(text)
    except ValidationError as wrong:
        raise CaseRefused(wrong.messages[0]) from None
    return keyring(contract).seal_json(NOTE, {"text": text.strip()})


def _fact(
    contract: Contract, case: Case, kind: str, *, hand: Hand, now: dt.datetime, outcome: str = "",
    wait: int | None = None, handle: int | None = None,
) -> None:  # fmt: skip
    note_fact(
        contract, kind, by=hand.by.through(Channel(case.channel)), now=now, ref=f"case:{case.pk}", site=case.site.code,
        procedure=case.procedure.code, language=case.language, outcome=str(outcome)[:24], wait_seconds=wait,
        handle_seconds=handle,
    )  # fmt: skip


def _saved(contract: Contract, case: Case, action: str, *, hand: Hand, now: dt.datetime, holder: User | None = None, **detail: object) -> Case:
    if holder is not None and case.state == State.ACTIVE:
        if case.side == Side.CITY:
            case.examiner = holder
        else:
            case.owner = holder
    case.save()
    audit.record(contract, action, f"case:{case.pk}", by=hand.by, now=now, **{key: value for key, value in detail.items() if value})
    return case
