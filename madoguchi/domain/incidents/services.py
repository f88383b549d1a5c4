"""Deeds on incidents. Each locks its incident, changes it, writes a line of the timeline and the audit; free text is sealed."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from madoguchi.domain.calls.models import Contact, Escalation
from madoguchi.domain.cases.models import Case
from madoguchi.domain.notices import services as notices
from madoguchi.domain.notices.models import StaffKind
from madoguchi.ground.accounts.models import Role, User
from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit import dates
from madoguchi.ground.kit.actors import SYSTEM, Actor
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.privacy.sealing import keyring
from madoguchi.ground.worklog.services import note, take_back

from . import events, rules, words
from .enums import OPEN, UNWRITTEN, Effect, Kind, LegalResult, LineKind, Seriousness, State
from .errors import IncidentRefused
from .models import Incident, LegalRecord, Line, Prevention
from .queries import content_of, digest_of, legal_of, people_of, words_of

LONGEST = 4000
MOST_CALLED_AT_ONCE = 200
BEFORE = dt.timedelta(minutes=5)
"""How far the clock of who reports may be ahead of ours."""
ORIGINS: dict[str, type[Escalation] | type[Contact] | type[Case]] = {"escalation": Escalation, "contact": Contact, "case": Case}
"""Records that an incident may come from, by the prefix of their reference."""


def report(
    contract: Contract, *, kind: Kind, seriousness: Seriousness, happened_at: dt.datetime, found_at: dt.datetime, what: str, first: str = "",
    site: str = "", people: int | None = None, wrongful: bool = False, origin: str = "", user: User, by: Actor, now: dt.datetime,
) -> Incident:  # fmt: skip
    """Report an incident; who has to know gets a mail with the commit. What was reported of the same ``origin`` before is given back as it is.

    Raises :class:`IncidentRefused` without words, for a time that cannot be, or a record or site that is unknown.
    """
    _need(what, "何が起きたかを入力してください。")
    _fits(what, first)
    _check_times(happened_at, found_at, now)
    _check_site(contract, site)
    with contract_scope(contract), audit.held_back():
        if origin:
            _origin(origin)
        values = {
            "kind": kind, "seriousness": seriousness, "happened_at": happened_at, "found_at": found_at, "site": site, "people": people,
            "wrongful": wrongful, "reported_at": now, "reported_by": user,
            "words": keyring(contract).seal_json(words.INCIDENT, {"what": what.strip(), "first": first.strip(), "cause": "", "response": ""}),
        }  # fmt: skip
        if origin:
            incident, made = Incident.objects.get_or_create(contract=contract, origin=origin, defaults=values)
            if not made:
                return incident
        else:
            incident = Incident.objects.create(contract=contract, **values)
        _line(contract, incident, LineKind.REPORTED, user=user, now=now)
        note(contract, "incident.reported", by=by, now=now, ref=_ref(incident), site=site, outcome=str(kind))
        audit.record(contract, "incident.reported", _ref(incident), by=by, now=now, kind=kind, seriousness=seriousness, site=site, origin=origin)
        _call(contract, incident, now)
        events.classified.send(Incident, contract=contract, incident=incident, by=by, now=now)
        return incident


def report_complaint(contract: Contract, *, origin: str, user: User, by: Actor, now: dt.datetime) -> Incident:
    """Make an incident of a complaint that was recorded elsewhere (``escalation:5``), with its time and place and none of its words.

    Raises :class:`IncidentRefused` for a record that does not exist.
    """
    with contract_scope(contract):
        record = _origin(origin)
        if isinstance(record, Case):
            at, site, name = now, record.site.code, "窓口の案件"
        elif isinstance(record, Contact):
            at, site, name = record.at, "", "応対の記録"
        else:
            at, site, name = record.opened_at, "", "二次対応"
        what = f"{name} {record.pk} で受けた苦情・トラブルです。内容は、もとの記録で確かめてください。"
        return report(
            contract, kind=Kind.COMPLAINT, seriousness=Seriousness.SERIOUS, happened_at=at, found_at=at, site=site, what=what, origin=origin,
            user=user, by=by, now=now,
        )  # fmt: skip


def call_on(contract: Contract, *, now: dt.datetime) -> int:
    """Make the calls that are due because nobody has acknowledged; how many. Another worker's incidents are left to it."""
    with contract_scope(contract), audit.held_back():
        due = Incident.objects.select_for_update(of=("self",), skip_locked=True).filter(call_at__lte=now).order_by("call_at", "pk")
        return sum(_call(contract, incident, now) for incident in due[:MOST_CALLED_AT_ONCE])


def _call(contract: Contract, incident: Incident, now: dt.datetime) -> int:
    """Make the calls of an incident that are due; how many."""
    terms = contract.profile.incidents
    due = rules.due_calls(terms, incident.calls, incident.reported_at, now)
    for number in due:
        people = people_of(contract, rules.called(terms, number))
        told: dict[int, Role] = {user.pk: role for role, user in people}
        for pk in told:
            notices.queue(contract, ref=_ref(incident), kind=StaffKind.INCIDENT, language="ja", now=now, detail={"user": pk, "call": number})
        counted = Counter(told.values())
        detail = "・".join(f"{role.label}{count}人" for role, count in counted.items()) or "知らせる担当者がいません"
        _line(contract, incident, LineKind.CALLED, user=None, now=now, detail=f"{number + 1}回目：{detail}")
        audit.record(contract, "incident.called", _ref(incident), by=SYSTEM, now=now, call=number + 1, people=sorted(told))
        incident.calls = number + 1
    incident.call_at = rules.next_call(terms, incident.calls, incident.reported_at)
    incident.save(update_fields=["calls", "call_at"])
    return len(due)


def acknowledge(contract: Contract, pk: int, *, role: Role, user: User, by: Actor, now: dt.datetime) -> Incident:
    """Say that one knows. Of a role that the profile names this ends the calls; of others it is written down and the calls go on."""
    with _deed(contract, pk) as incident:
        if incident.acknowledged_at is not None:
            return incident
        if role not in contract.profile.incidents.acknowledged_by:
            if not Line.objects.filter(incident=incident, kind=LineKind.SEEN, by=user).exists():
                _line(contract, incident, LineKind.SEEN, user=user, now=now)
                audit.record(contract, "incident.seen", _ref(incident), by=by, now=now)
            return incident
        _acknowledge(contract, incident, user=user, by=by, now=now)
        return incident


def _acknowledge(contract: Contract, incident: Incident, *, user: User, by: Actor, now: dt.datetime) -> None:
    incident.acknowledged_at, incident.acknowledged_by, incident.call_at = now, user, None
    if incident.state == State.REPORTED:
        incident.state = State.ACKNOWLEDGED
    incident.save(update_fields=["acknowledged_at", "acknowledged_by", "call_at", "state"])
    _line(contract, incident, LineKind.ACKNOWLEDGED, user=user, now=now)
    waited = round((now - incident.reported_at).total_seconds())
    note(
        contract, "incident.acknowledged", by=by, now=now, ref=_ref(incident), site=incident.site, outcome=str(incident.kind), wait_seconds=waited
    )
    audit.record(contract, "incident.acknowledged", _ref(incident), by=by, now=now, seconds=waited)
    events.acknowledged.send(Incident, contract=contract, incident=incident, by=by, now=now)


def begin(contract: Contract, pk: int, *, user: User, by: Actor, now: dt.datetime) -> Incident:
    """Begin to look into it; calls go on until somebody acknowledges. Raises :class:`IncidentRefused` when that was done."""
    with _deed(contract, pk, UNWRITTEN) as incident:
        if incident.state == State.INVESTIGATING:
            raise IncidentRefused("すでに調査・対応中です。")
        incident.state = State.INVESTIGATING
        incident.save(update_fields=["state"])
        _line(contract, incident, LineKind.BEGUN, user=user, now=now)
        audit.record(contract, "incident.begun", _ref(incident), by=by, now=now)
        return incident


def add_line(contract: Contract, pk: int, *, text: str, user: User, by: Actor, now: dt.datetime) -> Incident:
    """Write what happened since. Raises :class:`IncidentRefused` without words, or once closed."""
    _need(text, "経過を入力してください。")
    _fits(text)
    with _deed(contract, pk, OPEN) as incident:
        _line(contract, incident, LineKind.NOTED, user=user, now=now, text=text)
        audit.record(contract, "incident.noted", _ref(incident), by=by, now=now)
        return incident


def sort(
    contract: Contract, pk: int, *, kind: Kind, seriousness: Seriousness, happened_at: dt.datetime, found_at: dt.datetime, site: str,
    people: int | None, wrongful: bool, user: User, by: Actor, now: dt.datetime,
) -> Incident:  # fmt: skip
    """Put right what sort of incident it is, before it is reported in writing. Days of legal steps follow. Raises :class:`IncidentRefused`."""
    _check_times(happened_at, found_at, now)
    _check_site(contract, site)
    with _deed(contract, pk, UNWRITTEN) as incident:
        fresh = {
            "kind": kind, "seriousness": seriousness, "happened_at": happened_at, "found_at": found_at, "site": site, "people": people, "wrongful": wrongful,
        }  # fmt: skip
        changed = [name for name, value in fresh.items() if getattr(incident, name) != value]
        if not changed:
            return incident
        before = {name: str(getattr(incident, name)) for name in changed}
        for name in changed:
            setattr(incident, name, fresh[name])
        incident.save(update_fields=changed)
        titles = "・".join(str(Incident._meta.get_field(name).verbose_name) for name in changed)  # type: ignore[union-attr]
        _line(contract, incident, LineKind.SORTED, user=user, now=now, detail=titles)
        after = {name: str(fresh[name]) for name in changed}
        audit.record(contract, "incident.sorted", _ref(incident), by=by, now=now, before=before, after=after)
        events.classified.send(Incident, contract=contract, incident=incident, by=by, now=now)
        return incident


def state_cause(contract: Contract, pk: int, *, cause: str, response: str, user: User, by: Actor, now: dt.datetime) -> Incident:
    """Write cause and response, in part or whole, before it is reported in writing."""
    _fits(cause, response)
    with _deed(contract, pk, UNWRITTEN) as incident:
        fresh = {**words_of(contract, incident), "cause": cause.strip(), "response": response.strip()}
        incident.words = keyring(contract).seal_json(words.INCIDENT, fresh)
        incident.save(update_fields=["words"])
        _line(contract, incident, LineKind.STATED, user=user, now=now)
        audit.record(contract, "incident.stated", _ref(incident), by=by, now=now)
        return incident


def prevent(contract: Contract, pk: int, *, what: str, owner: int, due_on: dt.date, user: User, by: Actor, now: dt.datetime) -> Prevention:
    """Decide on something against its happening again: who does it until when. ``owner`` is the account of one of the contract's staff."""
    _need(what, "再発防止策を入力してください。")
    _fits(what)
    if due_on < now.astimezone(JST).date():
        raise IncidentRefused("行う期限は、今日からの日を入力してください。")
    with _deed(contract, pk, UNWRITTEN) as incident:
        person = next((one for _, one in people_of(contract, list(Role)) if one.pk == owner), None)
        if person is None:
            raise IncidentRefused("行う人を選び直してください。")
        made = Prevention.objects.create(
            contract=contract, incident=incident, owner=person, due_on=due_on, added_at=now,
            words=keyring(contract).seal_json(words.PREVENTION, {"what": what.strip(), "effect": ""}),
        )  # fmt: skip
        _line(contract, incident, LineKind.PREVENTED, user=user, now=now, detail=f"{person}、期限 {dates.show(due_on)}")
        audit.record(contract, "incident.prevented", _ref(incident), by=by, now=now, prevention=made.pk, owner=person.pk, due=due_on.isoformat())
        return made


def finish_prevention(contract: Contract, pk: int, prevention: int, *, check_on: dt.date, user: User, by: Actor, now: dt.datetime) -> Prevention:
    """Say that it is done, and when its effect will be looked at."""
    if check_on <= now.astimezone(JST).date():
        raise IncidentRefused("効果を確かめる日は、明日からの日を入力してください。")
    with _deed(contract, pk) as incident:
        found = _prevention(incident, prevention)
        if found.done_at is not None:
            raise IncidentRefused("この再発防止策は、すでに行われています。")
        found.done_at, found.done_by, found.check_on = now, user, check_on
        found.save(update_fields=["done_at", "done_by", "check_on"])
        _line(contract, incident, LineKind.PREVENTION_DONE, user=user, now=now, detail=f"効果の確認 {dates.show(check_on)}")
        audit.record(contract, "incident.prevention_done", _ref(incident), by=by, now=now, prevention=prevention, check=check_on.isoformat())
        return found


def check_effect(
    contract: Contract, pk: int, prevention: int, *, effect: Effect, text: str, user: User, by: Actor, now: dt.datetime
) -> Prevention:
    """Say whether it works, with what shows it. Also after the end of the incident."""
    _need(text, "効果をどう確かめたかを入力してください。")
    _fits(text)
    with _deed(contract, pk) as incident:
        found = _prevention(incident, prevention)
        if found.done_at is None or found.checked_at is not None:
            raise IncidentRefused("効果を確かめるのは、再発防止策を行った後に1回です。")
        what = keyring(contract).unseal_json(words.PREVENTION, found.words) if found.words is not None else {}
        found.words = keyring(contract).seal_json(words.PREVENTION, {**what, "effect": text.strip()})
        found.effect, found.checked_at, found.checked_by = effect, now, user
        found.save(update_fields=["words", "effect", "checked_at", "checked_by"])
        _line(contract, incident, LineKind.EFFECT, user=user, now=now, detail=str(Effect(effect).label))
        audit.record(contract, "incident.effect", _ref(incident), by=by, now=now, prevention=prevention, effect=effect)
        return found


def settle_legal(
    contract: Contract, pk: int, code: str, *, result: LegalResult, on: dt.date, evidence: str, user: User, by: Actor, now: dt.datetime
) -> LegalRecord:
    """Write down what became of a legal step. One that is not needed says why. Raises :class:`IncidentRefused`."""
    _need(evidence, "証拠（受付番号・文書の名前）か、不要とした理由を入力してください。")
    _fits(evidence)
    with _deed(contract, pk, OPEN) as incident:
        today = now.astimezone(JST).date()
        step = next((one for one in legal_of(contract, incident, today) if one.step.code == code), None)
        if step is None:
            raise IncidentRefused("この手続きは、この報告にはありません。")
        if step.record is not None:
            raise IncidentRefused("この手続きは、すでに記録されています。")
        if not incident.happened_at.astimezone(JST).date() <= on <= today:
            raise IncidentRefused("行った日は、起きた日から今日までの日を入力してください。")
        made = LegalRecord.objects.create(
            contract=contract, incident=incident, code=code, result=result, on=on, recorded_at=now, recorded_by=user,
            words=keyring(contract).seal_json(words.LEGAL, {"evidence": evidence.strip()}),
        )  # fmt: skip
        detail = f"{step.step.name}：{LegalResult(result).label}（{dates.show(on)}）"
        _line(contract, incident, LineKind.LEGAL, user=user, now=now, detail=detail[:200])
        audit.record(contract, "incident.legal", _ref(incident), by=by, now=now, step=code, result=result, on=on.isoformat())
        return made


def write_up(contract: Contract, pk: int, *, user: User, by: Actor, now: dt.datetime) -> Incident:
    """Report it to the city in writing, as it stands. Raises :class:`IncidentRefused` while cause, response or prevention is missing."""
    with _deed(contract, pk, UNWRITTEN) as incident:
        told = words_of(contract, incident)
        preventions = Prevention.objects.filter(incident=incident).count()
        lacking = rules.lacking(cause=told["cause"], response=told["response"], preventions=preventions)
        if lacking:
            raise IncidentRefused(f"{'・'.join(lacking)}が、まだありません。入力してから報告してください。")
        incident.state, incident.written_at, incident.written_by = State.WRITTEN, now, user
        incident.digest = digest_of(content_of(contract, incident))
        incident.save(update_fields=["state", "written_at", "written_by", "digest"])
        _line(contract, incident, LineKind.WRITTEN, user=user, now=now, detail=f"SHA-256 {incident.digest}")
        waited = round((now - incident.reported_at).total_seconds())
        note(contract, "incident.written", by=by, now=now, ref=_ref(incident), site=incident.site, outcome=str(incident.kind), wait_seconds=waited)
        audit.record(contract, "incident.written", _ref(incident), by=by, now=now, digest=incident.digest)
        events.written.send(Incident, contract=contract, incident=incident, by=by, now=now)
        return incident


def close(contract: Contract, pk: int, *, user: User, by: Actor, now: dt.datetime) -> Incident:
    """The city accepts the end of it. Raises :class:`IncidentRefused` before it is reported in writing, or while a legal step is open."""
    with _deed(contract, pk, (State.WRITTEN,)) as incident:
        done = LegalRecord.objects.filter(incident=incident).values_list("code", flat=True)
        steps = contract.profile.incidents.legal if incident.kind == Kind.PERSONAL_DATA else ()
        unsettled = rules.unsettled(steps, done)
        if unsettled:
            raise IncidentRefused(f"法令上の手続きが終わっていません：{'、'.join(unsettled)}")
        if incident.acknowledged_at is None:
            _acknowledge(contract, incident, user=user, by=by, now=now)
        incident.state, incident.closed_at, incident.closed_by = State.CLOSED, now, user
        incident.save(update_fields=["state", "closed_at", "closed_by"])
        _line(contract, incident, LineKind.CLOSED, user=user, now=now)
        lasted = round((now - incident.reported_at).total_seconds())
        note(contract, "incident.closed", by=by, now=now, ref=_ref(incident), site=incident.site, outcome=str(incident.kind), wait_seconds=lasted)
        audit.record(contract, "incident.closed", _ref(incident), by=by, now=now)
        return incident


def reopen(contract: Contract, pk: int, *, reason: str, user: User, by: Actor, now: dt.datetime) -> Incident:
    """Take up again what was reported in writing or closed, with a reason. What was counted as closed is counted back."""
    _need(reason, "差し戻す（再開する）理由を入力してください。")
    _fits(reason)
    with _deed(contract, pk, (State.WRITTEN, State.CLOSED)) as incident:
        if incident.closed_at is not None:
            take_back("incident.closed", ref=_ref(incident), at=incident.closed_at, now=now)
        kind = LineKind.RETURNED if incident.state == State.WRITTEN else LineKind.REOPENED
        incident.state, incident.closed_at, incident.closed_by, incident.digest = State.INVESTIGATING, None, None, ""
        incident.save(update_fields=["state", "closed_at", "closed_by", "digest"])
        _line(contract, incident, kind, user=user, now=now, text=reason)
        if kind == LineKind.RETURNED:
            audit.record(contract, "incident.returned", _ref(incident), by=by, now=now)
        else:
            audit.record(contract, "incident.reopened", _ref(incident), by=by, now=now)
        return incident


@contextmanager
def _deed(contract: Contract, pk: int, states: tuple[State, ...] = tuple(State)) -> Iterator[Incident]:
    """An incident, locked, in one of these states."""
    with contract_scope(contract), audit.held_back():
        found = Incident.objects.select_for_update(of=("self",)).filter(pk=pk).first()
        if found is None:
            raise IncidentRefused("この報告は見つかりません。一覧を開き直してください。")
        if found.erased_at is not None:
            raise IncidentRefused("保存期間を過ぎて内容を消去したため、変えられません。")
        if found.state not in states:
            raise IncidentRefused(f"いまは「{State(found.state).label}」なので、できません。画面を開き直してください。")
        yield found


def _line(contract: Contract, incident: Incident, kind: LineKind, *, user: User | None, now: dt.datetime, detail: str = "", text: str = "") -> None:
    sealed = keyring(contract).seal_json(words.LINE, {"text": text.strip()}) if text.strip() else None
    Line.objects.create(contract=contract, incident=incident, at=now, kind=kind, by=user, detail=detail[:200], words=sealed)


def _prevention(incident: Incident, pk: int) -> Prevention:
    found = Prevention.objects.filter(incident=incident, pk=pk).first()
    if found is None:
        raise IncidentRefused("この再発防止策は見つかりません。画面を開き直してください。")
    return found


def _origin(origin: str) -> Escalation | Contact | Case:
    kind, _, number = origin.partition(":")
    model = ORIGINS.get(kind)
    found = model._default_manager.filter(pk=int(number)).first() if model and number.isdecimal() and len(number) < 10 else None
    if found is None:
        raise IncidentRefused("もとの記録が見つかりません。")
    return found


def _check_site(contract: Contract, site: str) -> None:
    if site and site not in {one.code for one in contract.profile.sites}:
        raise IncidentRefused("場所を選び直してください。")


def _check_times(happened_at: dt.datetime, found_at: dt.datetime, now: dt.datetime) -> None:
    if found_at > now + BEFORE or happened_at > now + BEFORE:
        raise IncidentRefused("起きた日時と気づいた日時は、今までの日時を入力してください。")
    if found_at < happened_at:
        raise IncidentRefused("気づいた日時は、起きた日時より後にしてください。")


def _need(text: str, message: str) -> None:
    if not text.strip():
        raise IncidentRefused(message)


def _fits(*texts: str) -> None:
    if any(len(one) > LONGEST for one in texts):
        raise IncidentRefused(f"1つの欄は{LONGEST:,}文字までです。")


def _ref(incident: Incident) -> str:
    return f"incident:{incident.pk}"
