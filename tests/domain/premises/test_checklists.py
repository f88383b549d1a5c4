"""Lists before opening and after closing: marked together, closed by the last required item, told when late."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import IntegrityError, transaction

from madoguchi.domain.notices.models import Message, StaffKind
from madoguchi.domain.notices.recipients import find
from madoguchi.domain.premises.enums import Result, Standing
from madoguchi.domain.premises.errors import PremisesRefused
from madoguchi.domain.premises.models import Mark, Run
from madoguchi.domain.premises.queries.checklists import late_sheets, sheets, troubles_today
from madoguchi.domain.premises.services.checklists import Hand, Word, mark, withdraw
from madoguchi.domain.premises.tasks import tell_late_lists
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.audit import queries as audit
from madoguchi.ground.contracts.models import CalendarOverride, Contract, Site
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.worklog.models import Fact

from ..calls.people import member

pytestmark = [pytest.mark.django_db, pytest.mark.req("DESK-08")]
EIGHT = dt.datetime(2026, 11, 2, 8, 0, tzinfo=JST)
SITE = "plaza"
PLAIN = ["devices", "camera", "systems", "room"]


@pytest.fixture
def izumi(contracts: dict[str, Contract]):
    with contract_scope(contracts["izumi"]) as entered:
        yield entered


def hand(contract: Contract, role: Role = Role.COUNTER) -> Hand:
    user, by = member(contract, role)
    return Hand(user, role != Role.COUNTER, by)


def finish(contract: Contract, now: dt.datetime) -> tuple[Hand, Hand]:
    one, leader = hand(contract), hand(contract, Role.SUPERVISOR)
    mark(contract, "opening", SITE, "forms", Word(reading=120), hand=one, now=now)
    for item in PLAIN:
        mark(contract, "opening", SITE, item, Word(), hand=one, now=now)
    mark(contract, "opening", SITE, "staffing", Word(), hand=leader, now=now)
    return one, leader


def sheet_of(contract: Contract, now: dt.datetime, code: str = "opening"):
    return next(one for one in sheets(contract, [now.date()], now, site=SITE) if one.terms.code == code)


def test_a_second_person_goes_on_where_the_first_stopped_and_the_last_required_item_closes(izumi: Contract) -> None:
    first, second = hand(izumi), hand(izumi, Role.SUPERVISOR)
    mark(izumi, "opening", SITE, "forms", Word(reading=120), hand=first, now=EIGHT)
    assert sheet_of(izumi, EIGHT).standing == Standing.BEGUN
    later = EIGHT + dt.timedelta(minutes=10)
    for item in [*PLAIN, "staffing"]:
        assert Run.objects.get().closed_at is None
        mark(izumi, "opening", SITE, item, Word(), hand=second, now=later)
    run = Run.objects.get()
    assert run.closed_at == later
    assert sheet_of(izumi, later).standing == Standing.DONE
    assert set(Mark.objects.values_list("item", "user_id")) == {("forms", first.user.pk), *((item, second.user.pk) for item in [*PLAIN, "staffing"])}
    fact = Fact.objects.get(kind="premises.opening")
    assert (fact.outcome, fact.site, fact.quantity, fact.ref) == ("in_time", SITE, 1, f"run:{run.pk}")
    mark(izumi, "opening", SITE, "notices", Word(), hand=first, now=later)
    assert Fact.objects.filter(kind="premises.opening").count() == 1
    assert [entry.action for entry in audit.search(target=f"run:{run.pk}")] == ["premises.list_closed"]


def test_an_item_is_marked_once_and_the_first_mark_stays(izumi: Contract) -> None:
    one, other = hand(izumi), hand(izumi)
    made, new = mark(izumi, "opening", SITE, "devices", Word(), hand=one, now=EIGHT)
    again, new_again = mark(izumi, "opening", SITE, "devices", Word(why="broken"), hand=other, now=EIGHT)
    assert (new, new_again, again.pk, again.result, again.user) == (True, False, made.pk, Result.DONE, one.user)
    with pytest.raises(IntegrityError), transaction.atomic():
        Mark.objects.create(contract=izumi, run=made.run, item="devices", result="done", at=EIGHT, user=other.user)


def test_what_is_not_possible_needs_a_reason_and_is_shown(izumi: Contract) -> None:
    one = hand(izumi)
    with pytest.raises(PremisesRefused, match="メモ"):
        mark(izumi, "opening", SITE, "camera", Word(why="other"), hand=one, now=EIGHT)
    with pytest.raises(PremisesRefused, match="理由"):
        mark(izumi, "opening", SITE, "camera", Word(why="tired"), hand=one, now=EIGHT)
    mark(izumi, "opening", SITE, "camera", Word(why="broken", note="電源が入らない"), hand=one, now=EIGHT)
    mark(izumi, "opening", SITE, "forms", Word(reading=12), hand=one, now=EIGHT)
    assert [(sheet.site, line.item["code"], line.short, line.why) for sheet, line in troubles_today(izumi, EIGHT)] == [
        (SITE, "forms", True, ""), (SITE, "camera", False, "機器の故障"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("item", "word", "role", "says"),
    [
        ("forms", Word(), Role.COUNTER, "数（枚）を入力"),
        ("forms", Word(reading=-1), Role.COUNTER, "0から"),
        ("forms", Word(reading=100_000), Role.COUNTER, "0から"),
        ("staffing", Word(), Role.COUNTER, "リーダー"),
        ("nothing", Word(), Role.COUNTER, "今日の点検表にありません"),
    ],
)
def test_what_cannot_be_marked_is_refused_with_the_reason(izumi: Contract, item: str, word: Word, role: Role, says: str) -> None:
    with pytest.raises(PremisesRefused, match=says):
        mark(izumi, "opening", SITE, item, word, hand=hand(izumi, role), now=EIGHT)
    assert not Mark.objects.exists()


def test_a_list_of_no_such_site_is_refused(izumi: Contract) -> None:
    for code, site in (("opening", "shed"), ("nothing", SITE)):
        with pytest.raises(PremisesRefused, match="その点検表はありません"):
            mark(izumi, code, site, "devices", Word(), hand=hand(izumi), now=EIGHT)


def test_taking_a_mark_back_opens_the_list_again_and_counts_it_no_more(izumi: Contract) -> None:
    one, leader = finish(izumi, EIGHT)
    found = Mark.objects.get(item="room")
    with pytest.raises(PremisesRefused, match="ほかの方の印"):
        withdraw(izumi, found.pk, hand=hand(izumi), now=EIGHT)
    assert withdraw(izumi, found.pk, hand=one, now=EIGHT).closed_at is None
    assert not Fact.objects.filter(kind="premises.opening").exists()
    with pytest.raises(PremisesRefused, match="もう取り消され"):
        withdraw(izumi, found.pk, hand=one, now=EIGHT)
    mark(izumi, "opening", SITE, "room", Word(), hand=leader, now=EIGHT)
    assert Run.objects.get().closed_at == EIGHT
    with pytest.raises(PremisesRefused, match="過ぎた日"):
        withdraw(izumi, Mark.objects.get(item="room").pk, hand=leader, now=EIGHT + dt.timedelta(days=1))


def test_a_run_keeps_its_items_when_the_agreement_changes_during_the_day(izumi: Contract, monkeypatch: pytest.MonkeyPatch) -> None:
    mark(izumi, "opening", SITE, "devices", Word(), hand=hand(izumi), now=EIGHT)
    profile = izumi.profile
    changed = [one.model_copy(update={"items": one.items[:2]}) if one.code == "opening" else one for one in profile.checklists]
    monkeypatch.setattr(type(izumi), "profile", profile.model_copy(update={"checklists": tuple(changed)}))
    assert len(sheet_of(izumi, EIGHT).lines) == 7
    assert len(next(one for one in sheets(izumi, [EIGHT.date()], EIGHT, site="honkan") if one.terms.code == "opening").lines) == 2


def test_late_and_closed_late_are_told_apart_by_the_calendar_of_the_site(izumi: Contract) -> None:
    just = dt.datetime(2026, 11, 2, 8, 35, tzinfo=JST)
    assert late_sheets(izumi, just) == []
    assert {(one.site, one.terms.code) for one in late_sheets(izumi, just + dt.timedelta(minutes=1))} == {("honkan", "opening"), (SITE, "opening")}
    finish(izumi, just + dt.timedelta(minutes=5))
    assert sheet_of(izumi, just).standing == Standing.DONE_LATE
    assert Fact.objects.get(kind="premises.opening").outcome == "late"
    site = Site.objects.get(code="honkan")
    CalendarOverride.objects.create(
        contract=izumi, site=site, date=just.date(), kind="closed", intervals=[], reason="台風", created_at=just, created_by="x"
    )
    assert late_sheets(izumi, just + dt.timedelta(hours=1)) == []


def test_on_holidays_nothing_is_due(izumi: Contract) -> None:
    culture_day = dt.datetime(2026, 11, 3, 12, 0, tzinfo=JST)
    assert {one.standing for one in sheets(izumi, [culture_day.date()], culture_day) if one.terms.kind != "weekly"} == {Standing.NONE}


def test_leaders_are_told_once_of_each_late_list(contracts: dict[str, Contract]) -> None:
    izumi = contracts["izumi"]
    leader, _ = member(izumi, Role.SUPERVISOR)
    manager, _ = member(izumi, Role.MANAGER)
    member(izumi, Role.COUNTER)
    with contract_scope(izumi):
        finish(izumi, EIGHT)
    at = dt.datetime(2026, 11, 2, 8, 40, tzinfo=JST)
    people = 2 + 1
    assert tell_late_lists(EIGHT) == 0
    # Every contract with a counter has its own list; only this one has leaders in the test.
    assert tell_late_lists(at) == people
    assert tell_late_lists(at + dt.timedelta(minutes=5)) == 0
    with contract_scope(izumi):
        sent = list(Message.objects.filter(kind=StaffKind.LIST_LATE))
        assert {message.detail["user"] for message in sent} >= {leader.pk, manager.pk}
        mail = find(izumi, sent[0], "ja")
        assert mail is not None
        assert "・機器" not in mail.context["items"]
        assert mail.context["items"].count("・") >= 6
        assert mail.context["site"] == "和泉市役所本館1階"
        run = Run.objects.get(site__code="honkan")
        run.closed_at = at
        run.save()
        assert find(izumi, sent[0], "ja") is None
