"""The deeds on incidents: told at once, called again, written up, accepted by the city, erased in time; and what they tell other apps."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from madoguchi.domain.calls.enums import Topic
from madoguchi.domain.calls.services.escalations import hand_over
from madoguchi.domain.incidents.enums import Effect, Kind, LegalResult, LineKind, Seriousness, State
from madoguchi.domain.incidents.erasers import erase_words
from madoguchi.domain.incidents.errors import IncidentRefused
from madoguchi.domain.incidents.models import Incident, LegalRecord, Line, Prevention
from madoguchi.domain.incidents.queries import legal_of, owed, preventions_of, summary, timeline, whole, words_of
from madoguchi.domain.incidents.services import (
    acknowledge,
    add_line,
    begin,
    call_on,
    check_effect,
    close,
    finish_prevention,
    prevent,
    reopen,
    report,
    settle_legal,
    sort,
    state_cause,
    write_up,
)
from madoguchi.domain.notices.models import Message, StaffKind
from madoguchi.domain.notices.wording import compose
from madoguchi.domain.obligations.models import Event, Evidence
from madoguchi.domain.reports.queries import Period, figures
from madoguchi.ground.accounts.models import Assignment, Role, User
from madoguchi.ground.audit.models import Entry
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor, ActorKind, Channel
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.worklog.models import Fact

pytestmark = pytest.mark.req("REP-05")
LATE = dt.datetime(2026, 11, 2, 16, 50, tzinfo=JST)
People = dict[Role, User]


def after(minutes: int) -> dt.datetime:
    return LATE + dt.timedelta(minutes=minutes)


@pytest.fixture
def izumi(contracts: dict[str, Contract]) -> Contract:
    return contracts["izumi"]


@pytest.fixture
def people(izumi: Contract) -> People:
    found = {}
    for role in (Role.OPERATOR, Role.SUPERVISOR, Role.MANAGER, Role.CITY):
        found[role] = User.objects.create_user(f"{role}@example.jp", None, name=f"{role.label} 花子")
        Assignment.objects.create(user=found[role], contract=izumi, role=role)
    return found


def doer(people: People, role: Role, now: dt.datetime) -> dict[str, Any]:
    user = people[role]
    kind = ActorKind.CITY if role == Role.CITY else ActorKind.CALL_CENTRE
    return {"user": user, "by": Actor(kind, Channel.PHONE, f"user:{user.pk}", str(user)), "now": now}


def told(contract: Contract, people: People, **changed: Any) -> Incident:
    values: dict[str, Any] = {
        "kind": Kind.MISTAKE, "seriousness": Seriousness.SERIOUS, "happened_at": after(-30), "found_at": after(-10), "site": "honkan",
        "what": "別の方の書類を渡した", "first": "その場で回収した",
    } | changed  # fmt: skip
    return report(contract, **values, **doer(people, Role.OPERATOR, LATE))


def roles_told(people: People, call: int) -> set[Role]:
    by_pk = {user.pk: role for role, user in people.items()}
    return {by_pk[one.detail["user"]] for one in Message.objects.filter(kind=StaffKind.INCIDENT) if one.detail and one.detail["call"] == call}


def test_an_incident_of_1650_is_in_the_citys_mail_when_it_is_saved(izumi: Contract, people: People) -> None:
    incident = told(izumi, people)
    with contract_scope(izumi):
        assert roles_told(people, 0) == {Role.MANAGER, Role.CITY}
        message = Message.objects.get(kind=StaffKind.INCIDENT, detail__user=people[Role.CITY].pk)
        assert message.due_at == LATE
        composed = compose(izumi, message, now=after(1))
        assert composed is not None
        address, mail = composed
        body = mail.get_content()
    assert address == people[Role.CITY].email
    assert "事務誤り・誤案内" in str(mail["Subject"])
    assert f"/staff/izumi/incidents/{incident.pk}/" in body
    assert "別の方の書類" not in body, "what people wrote stays behind the sign-in"


def test_mail_and_report_stand_or_fall_together(izumi: Contract, people: People) -> None:
    with pytest.raises(RuntimeError), transaction.atomic(), contract_scope(izumi):
        told(izumi, people)
        raise RuntimeError
    with contract_scope(izumi):
        assert not Incident.objects.exists()
        assert not Message.objects.filter(kind=StaffKind.INCIDENT).exists()


def test_others_are_called_until_the_city_acknowledges(izumi: Contract, people: People) -> None:
    incident = told(izumi, people)
    assert call_on(izumi, now=after(14)) == 0
    assert call_on(izumi, now=after(15)) == 1
    assert call_on(izumi, now=after(16)) == 0
    with contract_scope(izumi):
        assert roles_told(people, 1) == {Role.SUPERVISOR, Role.MANAGER, Role.CITY}
        again = Message.objects.filter(kind=StaffKind.INCIDENT, detail__call=1).first()
        assert again is not None
    acknowledge(izumi, incident.pk, role=Role.MANAGER, **doer(people, Role.MANAGER, after(17)))
    assert call_on(izumi, now=after(75)) == 1, "the contractor knows, the city does not"
    acknowledge(izumi, incident.pk, role=Role.CITY, **doer(people, Role.CITY, after(80)))
    acknowledge(izumi, incident.pk, role=Role.CITY, **doer(people, Role.CITY, after(81)))
    assert call_on(izumi, now=after(9999)) == 0
    with contract_scope(izumi):
        assert compose(izumi, again, now=after(82)) is None, "a mail that waited is needless now"
        found = Incident.objects.get()
        assert (found.state, found.acknowledged_by, found.acknowledged_at) == (State.ACKNOWLEDGED, people[Role.CITY], after(80))
        kinds = [one.kind for one in timeline(izumi, found)]
        assert kinds == ["reported", "called", "called", "seen", "called", "acknowledged"]
        assert timeline(izumi, found)[1].detail == "1回目：市職員1人・業務責任者1人"
        assert Fact.objects.get(kind="incident.acknowledged").wait_seconds == 80 * 60


def test_calls_end_when_all_were_made(izumi: Contract, people: People) -> None:
    told(izumi, people)
    for minute in range(0, 3000, 30):
        call_on(izumi, now=after(minute))
    with contract_scope(izumi):
        assert Line.objects.filter(kind=LineKind.CALLED).count() == 2 + izumi.profile.incidents.repeat_times
        assert Incident.objects.get().call_at is None


def test_from_the_report_in_writing_to_the_end_that_the_city_accepts(izumi: Contract, people: People) -> None:
    pk = told(izumi, people).pk
    lead = doer(people, Role.SUPERVISOR, after(60))
    city = doer(people, Role.CITY, after(600))
    begin(izumi, pk, **lead)
    add_line(izumi, pk, text="お客様に電話でおわびした", **lead)
    with pytest.raises(IncidentRefused, match="原因・対応・再発防止策が、まだありません"):
        write_up(izumi, pk, **lead)
    state_cause(izumi, pk, cause="番号札を確かめずに渡した", response="回収し、正しい書類を渡した", **lead)
    made = prevent(izumi, pk, what="渡す前に二人で確かめる", owner=people[Role.SUPERVISOR].pk, due_on=dt.date(2026, 11, 6), **lead)
    with pytest.raises(IncidentRefused, match="いまは「調査・対応中」"):
        close(izumi, pk, **city)
    write_up(izumi, pk, **lead)
    with pytest.raises(IncidentRefused, match="いまは「書面で報告済み」"):
        state_cause(izumi, pk, cause="別の原因", response="", **lead)
    reopen(izumi, pk, reason="原因をもう少し詳しく", **city)
    state_cause(izumi, pk, cause="番号札を確かめる手順がなかった", response="回収し、正しい書類を渡した", **lead)
    write_up(izumi, pk, **lead)
    close(izumi, pk, **city)
    with contract_scope(izumi):
        found = Incident.objects.get()
        assert (found.state, found.closed_by, found.acknowledged_by) == (State.CLOSED, people[Role.CITY], people[Role.CITY])
        assert whole(izumi, found) is True
        Prevention.objects.update(due_on=dt.date(2027, 1, 1))
        assert whole(izumi, found) is False, "what was handed in is not what stands there"
        Prevention.objects.update(due_on=dt.date(2026, 11, 6))
    finish_prevention(izumi, pk, made.pk, check_on=dt.date(2026, 12, 6), **doer(people, Role.SUPERVISOR, after(5000)))
    with pytest.raises(IncidentRefused, match="効果をどう確かめたか"):
        check_effect(izumi, pk, made.pk, effect=Effect.WORKS, text="", **lead)
    check_effect(izumi, pk, made.pk, effect=Effect.WORKS, text="1か月間、取り違えなし", **lead)
    with contract_scope(izumi):
        (plan,) = preventions_of(izumi, found, dt.date(2026, 12, 31))
        assert (plan.what, plan.effect, plan.effect_note, plan.late) == ("渡す前に二人で確かめる", "効果あり", "1か月間、取り違えなし", False)
        assert whole(izumi, found) is True
        actions = set(Entry.objects.filter(target=f"incident:{pk}").values_list("action", flat=True))
    assert {"incident.reported", "incident.returned", "incident.written", "incident.closed", "incident.effect"} <= actions


def test_what_was_closed_and_comes_back_is_counted_back(izumi: Contract, people: People) -> None:
    pk = told(izumi, people).pk
    lead, city = doer(people, Role.MANAGER, after(60)), doer(people, Role.CITY, after(90))
    state_cause(izumi, pk, cause="a", response="b", **lead)
    prevent(izumi, pk, what="c", owner=people[Role.CITY].pk, due_on=LATE.date(), **lead)
    write_up(izumi, pk, **lead)
    close(izumi, pk, **city)
    day = Period(LATE.date(), LATE.date())

    def counted() -> list[float | None]:
        with contract_scope(izumi):
            asked = ["incidents", "incidents_known", "incident_known_after", "incidents_written", "incidents_closed"]
            return [one.value for one in figures(izumi, asked, day, where={"outcome": "mistake"})]

    assert counted() == [1, 1, 90 * 60, 1, 1]
    reopen(izumi, pk, reason="同じことがまた起きた", **doer(people, Role.CITY, after(120)))
    assert counted() == [1, 1, 90 * 60, 1, 0]
    with contract_scope(izumi):
        assert summary(izumi, LATE.date(), LATE.date()).endswith(f"事故等 第{pk}号（調査・対応中、確認 11/02 18:20）")
        assert summary(izumi, dt.date(2026, 11, 3), dt.date(2026, 11, 3)) == "ありません。"


def test_a_leak_has_legal_steps_with_days_of_the_profile_and_ends_when_each_is_settled(izumi: Contract, people: People) -> None:
    pk = told(izumi, people, kind=Kind.PERSONAL_DATA, seriousness=Seriousness.GRAVE).pk
    lead, city = doer(people, Role.MANAGER, after(60)), doer(people, Role.CITY, after(90))
    with contract_scope(izumi):
        found = Incident.objects.get()
        due = {one.step.code: one.due for one in legal_of(izumi, found, LATE.date())}
    assert due["preliminary"] == dt.date(2026, 11, 6)
    assert due["final"] == dt.date(2026, 12, 1)
    assert due["tell_people"] is None
    kept = {name: getattr(found, name) for name in ("kind", "seriousness", "happened_at", "found_at", "site")}
    sort(izumi, pk, **kept, people=3, wrongful=True, **lead)
    with contract_scope(izumi):
        found = Incident.objects.get()
        due = {one.step.code: one.due for one in legal_of(izumi, found, LATE.date())}
        assert due["final"] == dt.date(2027, 1, 4), "the 60th day is 31 December, the next office day 4 January"
        assert owed(izumi, dt.date(2026, 11, 6)).late == {}
        assert owed(izumi, dt.date(2026, 11, 7)).late == {pk: ["個人情報保護委員会への速報（期限 11月6日(金)）"]}
    state_cause(izumi, pk, cause="a", response="b", **lead)
    prevent(izumi, pk, what="c", owner=people[Role.CITY].pk, due_on=LATE.date(), **lead)
    write_up(izumi, pk, **lead)
    with pytest.raises(IncidentRefused, match="個人情報保護委員会への速報"):
        close(izumi, pk, **city)
    for step in izumi.profile.incidents.legal:
        settle_legal(izumi, pk, step.code, result=LegalResult.DONE, on=LATE.date(), evidence="受付番号 R8-12", **city)
    with pytest.raises(IncidentRefused, match="すでに記録されています"):
        settle_legal(izumi, pk, "final", result=LegalResult.DONE, on=LATE.date(), evidence="x", **city)
    close(izumi, pk, **city)
    with contract_scope(izumi):
        assert [one.evidence for one in legal_of(izumi, found, LATE.date())] == ["受付番号 R8-12"] * 5


def test_an_incident_that_is_no_leak_has_no_legal_steps(izumi: Contract, people: People) -> None:
    pk = told(izumi, people).pk
    with pytest.raises(IncidentRefused, match="この報告にはありません"):
        settle_legal(izumi, pk, "final", result=LegalResult.DONE, on=LATE.date(), evidence="x", **doer(people, Role.CITY, after(1)))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"what": " "}, "何が起きたかを入力"),
        ({"happened_at": LATE + dt.timedelta(hours=1)}, "今までの日時"),
        ({"happened_at": LATE, "found_at": LATE - dt.timedelta(hours=1)}, "気づいた日時は、起きた日時より後"),
        ({"site": "moon"}, "場所を選び直して"),
        ({"origin": "escalation:99"}, "もとの記録が見つかりません"),
        ({"origin": "user:1"}, "もとの記録が見つかりません"),
        ({"what": "あ" * 4001}, "4,000文字まで"),
    ],
)
def test_what_cannot_be_reported_says_why(izumi: Contract, people: People, changed: dict[str, Any], message: str) -> None:
    with pytest.raises(IncidentRefused, match=message):
        told(izumi, people, **changed)


def test_a_complaint_becomes_one_incident_and_takes_no_personal_data_along(izumi: Contract, people: People) -> None:
    common = doer(people, Role.OPERATOR, LATE)
    matter = hand_over(izumi, topic=Topic.COMPLAINT, summary="窓口の態度が悪かった", name="山田 太郎", number="090-1234-5678", **common)
    first = told(izumi, people, kind=Kind.COMPLAINT, what="電話で受けた苦情", origin=f"escalation:{matter.pk}")
    second = told(izumi, people, kind=Kind.COMPLAINT, what="もう一度", origin=f"escalation:{matter.pk}")
    assert first.pk == second.pk
    with contract_scope(izumi):
        assert words_of(izumi, Incident.objects.get())["what"] == "電話で受けた苦情"
        assert roles_told(people, 0) == {Role.MANAGER, Role.CITY}
        assert Message.objects.filter(kind=StaffKind.INCIDENT).count() == 2


def test_words_are_sealed_and_erased_after_the_end_and_times_stay(izumi: Contract, people: People) -> None:
    pk = told(izumi, people).pk
    lead = doer(people, Role.MANAGER, after(10))
    state_cause(izumi, pk, cause="a", response="b", **lead)
    made = prevent(izumi, pk, what="c", owner=people[Role.CITY].pk, due_on=LATE.date(), **lead)
    write_up(izumi, pk, **lead)
    close(izumi, pk, **doer(people, Role.CITY, after(20)))
    much_later = LATE + dt.timedelta(days=izumi.profile.retention.resident_days_after_visit + 1)
    with contract_scope(izumi):
        assert "別の方".encode() not in bytes(Incident.objects.get().words)
        assert erase_words(izumi, much_later) == 0, "its effect is still to be looked at"
    finish_prevention(izumi, pk, made.pk, check_on=dt.date(2026, 12, 6), **lead)
    check_effect(izumi, pk, made.pk, effect=Effect.WORKS, text="よい", **lead)
    with contract_scope(izumi):
        assert erase_words(izumi, LATE + dt.timedelta(days=30)) == 0
        assert erase_words(izumi, much_later) == 1
        assert erase_words(izumi, much_later) == 0
        found = Incident.objects.get()
        assert (found.kind, found.reported_at, found.words) == (Kind.MISTAKE, LATE, None)
        assert not Line.objects.filter(words__isnull=False).exists()
        assert not Prevention.objects.filter(words__isnull=False).exists()
        assert whole(izumi, found) is None
    with pytest.raises(IncidentRefused, match="消去したため"):
        add_line(izumi, pk, text="x", **lead)


def test_the_timeline_is_never_changed(izumi: Contract, people: People) -> None:
    told(izumi, people)
    with contract_scope(izumi):
        for change in ({"detail": "x"}, {"at": after(1)}, {"kind": LineKind.NOTED}):
            with pytest.raises(IntegrityError), transaction.atomic():
                Line.objects.update(**change)
        assert Line.objects.update(words=None) == 2


@pytest.mark.req("CON-03")
def test_the_duty_to_report_falls_due_and_is_met_by_the_report_of_that_incident(izumi: Contract, people: People) -> None:
    first, second = told(izumi, people).pk, told(izumi, people).pk
    told(izumi, people, kind=Kind.FAULT)
    lead = doer(people, Role.MANAGER, after(10))
    for pk in (second, first):
        state_cause(izumi, pk, cause="a", response="b", **lead)
        prevent(izumi, pk, what="c", owner=people[Role.CITY].pk, due_on=LATE.date(), **lead)
    write_up(izumi, second, **lead)
    with contract_scope(izumi):
        events = {one.ref: one for one in Event.objects.filter(obligation="incident")}
        assert set(events) == {f"incident:{first}", f"incident:{second}"}, "a fault is not among those that are reported in writing"
        held = Evidence.objects.get(obligation="incident")
        assert (held.key, held.reference, held.met_on) == (f"event-{events[f'incident:{second}'].pk}", f"incident:{second}", LATE.date())
    reopen(izumi, second, reason="詳しく", **lead)
    write_up(izumi, second, **lead)
    with contract_scope(izumi):
        assert Evidence.objects.filter(obligation="incident").count() == 1


@pytest.mark.req("CON-03")
def test_where_telling_is_the_duty_the_citys_click_meets_it(contracts: dict[str, Contract], people: People) -> None:
    urasoe = contracts["urasoe"]
    for role in (Role.MANAGER, Role.CITY):
        Assignment.objects.create(user=people[role], contract=urasoe, role=role)
    values = {"kind": Kind.COMPLAINT, "happened_at": LATE, "found_at": LATE, "what": "苦情", **doer(people, Role.MANAGER, LATE)}
    grave = report(urasoe, seriousness=Seriousness.GRAVE, **values)
    with contract_scope(urasoe):
        assert set(Event.objects.values_list("obligation", flat=True)) == {"complaint_report", "incident"}
    acknowledge(urasoe, grave.pk, role=Role.CITY, **doer(people, Role.CITY, after(3)))
    with contract_scope(urasoe):
        assert list(Evidence.objects.values_list("obligation", "reference")) == [("complaint_report", f"incident:{grave.pk}")]


def test_a_record_of_a_legal_step_exists_once_even_past_the_deed(izumi: Contract, people: People) -> None:
    pk = told(izumi, people, kind=Kind.PERSONAL_DATA).pk
    settle_legal(izumi, pk, "contain", result=LegalResult.NOT_NEEDED, on=LATE.date(), evidence="紙1枚で回収済み", **doer(people, Role.CITY, after(5)))
    with contract_scope(izumi):
        again = LegalRecord.objects.get()
        again.pk = None
        again._state.adding = True
        with pytest.raises(IntegrityError), transaction.atomic():
            again.save()
