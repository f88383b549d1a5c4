"""Lists handed over by their due hour: in time, once, sealed, told of without personal data, erased, with evidence."""

from __future__ import annotations

import datetime as dt
import hashlib

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from madoguchi.domain.booking import tasks
from madoguchi.domain.booking.enums import FileForm, Rhythm
from madoguchi.domain.booking.errors import ListError
from madoguchi.domain.booking.models import Attendee, Delivery, Event, Receipt, SavedList, StandingOrder
from madoguchi.domain.booking.party import PERSON
from madoguchi.domain.booking.queries.deliveries import next_due, running_orders, unmade
from madoguchi.domain.booking.selection import Selection
from madoguchi.domain.booking.services import deliveries, saved_lists
from madoguchi.domain.booking.standing import due_on, state_label
from madoguchi.domain.notices import wording
from madoguchi.domain.notices.models import Message
from madoguchi.ground.accounts.models import Assignment, Role, User
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor
from madoguchi.ground.privacy import retention
from madoguchi.ground.privacy.sealing import keyring

from .desk import FRIDAY, THURSDAY, WEDNESDAY, Desk, at

pytestmark = pytest.mark.req("BOOK-10")
DUE = at(8, 30)
BY_NAMES = Selection(visit="tomorrow", personal=True)


def staff(desk: Desk, email: str = "city@example.jp", role: Role = Role.CITY) -> User:
    user = User.objects.create_user(email, None, name="市 花子")
    Assignment.objects.create(user=user, contract=desk.contract, role=role)
    return user


def order(desk: Desk, official: Actor, selection: Selection = BY_NAMES, **more: object) -> StandingOrder:
    kept = saved_lists.save_list(desk.contract, name="明日", selection=selection, shared=True, by=official, now=desk.now)
    values = {"form": FileForm.CSV, "rhythm": Rhythm.BUSINESS_DAYS, "due_time": dt.time(8, 30)} | more
    return deliveries.order_list(desk.contract, saved_list=kept.pk, **values, by=official, now=desk.now)  # type: ignore[arg-type]


def only(desk: Desk) -> Delivery:
    with contract_scope(desk.contract):
        return Delivery.objects.select_related("order").get()


def test_the_file_is_there_before_it_is_due_and_once(desk: Desk, official: Actor) -> None:
    """Ordered on Monday; Tuesday is a holiday, so the first due moment is Wednesday 8:30: the list of Thursday's visits."""
    user = staff(desk)
    staff(desk, "manager@example.jp", Role.MANAGER)
    order(desk, official)
    made = desk.reserve(at(10, day=THURSDAY), 2)
    desk.reserve(at(10, day=FRIDAY), 1)
    assert tasks.make_deliveries(at(7, 55)) == 0
    assert tasks.make_deliveries(at(8)) == 1
    assert [tasks.make_deliveries(later) for later in (at(8, 5), at(8, 30), at(23))] == [0, 0, 0]
    one = only(desk)
    assert (one.due_at, one.made_at, one.rows, one.problem) == (DUE, at(8), 2, "")
    assert one.conditions["first"] == one.conditions["last"] == "2026-11-05"
    _, content = deliveries.hand_over(desk.contract, one.pk, user=user, by=official, now=at(9))
    text = content.decode("utf-8-sig")
    assert text.count(f"{made.code[:4]}-{made.code[4:]}") == 2
    assert "山田 1郎" in text
    assert one.sha256 == hashlib.sha256(content).hexdigest()
    with connection.cursor() as cursor:
        cursor.execute("select row_to_json(d)::text, content from booking_delivery d")
        row, stored = cursor.fetchone()
    assert "山田" not in row
    assert "山田".encode() not in bytes(stored)
    assert ("list.delivered", "", 1, f"delivery:{one.pk}") in desk.facts()
    assert [action for action, _ in desk.audit()][-2:] == ["list.delivered", "list.downloaded"]


def test_the_citys_people_are_told_without_anything_of_the_list(desk: Desk, official: Actor) -> None:
    staff(desk)
    staff(desk, "manager@example.jp", Role.MANAGER)
    gone = staff(desk, "gone@example.jp")
    order(desk, official)
    desk.reserve(at(10, day=THURSDAY), 1, email=False)
    tasks.make_deliveries(at(8))
    with contract_scope(desk.contract):
        messages = list(Message.objects.filter(kind="list_ready").order_by("pk"))
        assert len(messages) == 2
        address, mail = wording.compose(desk.contract, messages[0], now=at(8))  # type: ignore[misc]
        Assignment.objects.filter(user=gone).delete()
        assert wording.compose(desk.contract, messages[1], now=at(8)) is None
    body = mail.get_content()
    assert address == "city@example.jp"
    assert mail["Subject"] == "【廿日市市】一覧「明日」を受け取れます"
    assert "/staff/hatsukaichi/deliveries/" in body
    assert "令和8年11月4日(水) 08:30" in body
    assert "山田" not in body
    assert not list(mail.iter_attachments())


def test_what_was_missed_is_made_late_for_its_own_day(desk: Desk, official: Actor) -> None:
    order(desk, official)
    desk.reserve(at(10, day=THURSDAY), 1)
    with contract_scope(desk.contract):
        (late,) = unmade(desk.contract, at(12))
    assert (late.due_at, late.late) == (DUE, True)
    assert "処理が止まっていました" in late.problem
    assert tasks.make_deliveries(at(12)) == 1
    one = only(desk)
    assert one.conditions["first"] == "2026-11-05"
    assert "処理が止まっていました" in one.problem
    assert state_label(due_at=one.due_at, made_at=one.made_at, erased=False, now=at(13)) == "遅れて作成"
    with connection.cursor() as cursor:
        cursor.execute("select outcome from worklog_fact where kind = 'list.delivered'")
        assert cursor.fetchall() == [("late",)]
    assert tasks.make_deliveries(at(8, 30, day=FRIDAY)) == 2


def test_a_list_that_does_not_hold_any_more_says_so_and_is_made_when_it_does(desk: Desk, official: Actor) -> None:
    order(desk, official)
    with contract_scope(desk.contract):
        SavedList.objects.update(selection={"visit": "tomorrow", "procedure": "gone"})
    assert [tasks.make_deliveries(at(8, minute)) for minute in (0, 5)] == [0, 0]
    one = only(desk)
    assert (one.attempts, one.made_at) == (2, None)
    assert "手続き「gone」は今はありません" in one.problem
    with contract_scope(desk.contract):
        SavedList.objects.update(selection={"visit": "tomorrow"})
    assert tasks.make_deliveries(at(8, 10)) == 1
    assert (only(desk).problem, only(desk).attempts) == ("", 3)


def test_a_crash_in_between_leaves_nothing_and_the_next_run_makes_it(
    desk: Desk, official: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    staff(desk)
    order(desk, official)

    def broken(*args: object, **more: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(deliveries.worklog, "note", broken)
        with pytest.raises(SystemExit):
            tasks.make_deliveries(at(8))
    with contract_scope(desk.contract):
        assert not Delivery.objects.exists()
        assert not Receipt.objects.exists()
        assert not Message.objects.exists()
    assert tasks.make_deliveries(at(8, 5)) == 1


def test_an_unexpected_failure_of_one_order_does_not_stop_the_others(
    desk: Desk, official: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = order(desk, official)
    deliveries.order_list(
        desk.contract, saved_list=first.saved_list_id, form=FileForm.XLSX, rhythm=Rhythm.WEEKDAYS, weekdays=[2],
        due_time=dt.time(8, 30), by=official, now=desk.now,
    )  # fmt: skip
    whole = deliveries.list_file

    def sometimes(*args: object, form: FileForm, **more: object) -> object:
        if form == FileForm.CSV:
            raise RuntimeError("disk")
        return whole(*args, form=form, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(deliveries, "list_file", sometimes)
    assert tasks.make_deliveries(at(8)) == 1
    with contract_scope(desk.contract):
        failed = Delivery.objects.get(made_at=None)
    assert failed.problem == deliveries.FAILED
    assert "disk" not in failed.problem


def test_characters_that_do_not_fit_are_counted_by_booking_and_column(desk: Desk, official: Actor) -> None:
    order(desk, official, form=FileForm.CP932)
    done = desk.reserve(at(10, day=THURSDAY), 1)
    with contract_scope(desk.contract):
        Attendee.objects.update(person=keyring(desk.contract).seal_json(PERSON, {"name": "𠮷田 花"}))
    tasks.make_deliveries(at(8))
    assert only(desk).lacking == [[f"{done.code[:4]}-{done.code[4:]}", "氏名"]]


def test_the_file_is_erased_in_time_and_the_evidence_stays(desk: Desk, official: Actor) -> None:
    user = staff(desk)
    order(desk, official)
    desk.reserve(at(10, day=THURSDAY), 1)
    tasks.make_deliveries(at(8))
    one = only(desk)
    assert one.erase_at == at(8) + dt.timedelta(days=30)
    deliveries.hand_over(desk.contract, one.pk, user=user, by=official, now=at(9))
    assert retention.run_retention(desk.contract, one.erase_at - dt.timedelta(minutes=1))["booking.deliveries"] == 0
    assert retention.run_retention(desk.contract, one.erase_at)["booking.deliveries"] == 1
    after = only(desk)
    assert (after.content, after.lacking) == (None, [])
    assert (after.rows, after.sha256, after.made_at) == (1, one.sha256, at(8))
    with contract_scope(desk.contract):
        assert Receipt.objects.get().downloads == 1
    with pytest.raises(ListError, match="もうありません"):
        deliveries.hand_over(desk.contract, one.pk, user=user, by=official, now=one.erase_at)


def test_names_in_a_file_do_not_outlive_those_in_the_bookings(desk: Desk, official: Actor) -> None:
    """Wednesday's visit is forgotten after 90 days: so is a file that was made of it 70 days later."""
    desk.reserve(at(10, day=WEDNESDAY), 1)
    order(desk, official, Selection(changed="last_month", personal=True))
    with contract_scope(desk.contract):
        due = unmade(desk.contract, at(8) + dt.timedelta(days=70))[-1]
        Event.objects.update(kind="changed", at=due.due_at - dt.timedelta(days=31))
    assert deliveries.make_delivery(desk.contract, due, now=due.due_at)
    assert only(desk).rows == 1
    assert only(desk).erase_at == at(10, 30) + dt.timedelta(days=90)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"rhythm": Rhythm.WEEKDAYS}, "曜日を1つ以上"),
        ({"rhythm": Rhythm.MONTH_DAY}, "1から31"),
        ({"rhythm": Rhythm.MONTH_DAY, "month_day": 32}, "1から31"),
    ],
)
def test_orders_without_days_are_refused(desk: Desk, official: Actor, values: dict[str, object], words: str) -> None:
    with pytest.raises(ListError, match=words):
        order(desk, official, **values)


def test_only_shared_lists_are_ordered_and_they_stay_while_ordered(desk: Desk, official: Actor) -> None:
    own = saved_lists.save_list(desk.contract, name="私", selection=BY_NAMES, shared=False, by=official, now=desk.now)
    with pytest.raises(ListError, match="みんなに見せている"):
        deliveries.order_list(
            desk.contract, saved_list=own.pk, form=FileForm.CSV, rhythm=Rhythm.BUSINESS_DAYS, due_time=dt.time(8), by=official,
            now=desk.now,
        )  # fmt: skip
    made = order(desk, official)
    change = {"name": "明日", "shared": False, "manages": True, "by": official, "now": desk.now}
    with pytest.raises(ListError, match="先に「受け渡し」で"):
        saved_lists.change_list(desk.contract, made.saved_list_id, **change)  # type: ignore[arg-type]
    with pytest.raises(ListError, match="先に「受け渡し」で"):
        saved_lists.remove_list(desk.contract, made.saved_list_id, manages=True, by=official, now=desk.now)
    other = {**change, "shared": True, "selection": Selection(visit="next_week", channel="phone")}
    with pytest.raises(ListError, match="業務責任者か市職員に"):
        saved_lists.change_list(desk.contract, made.saved_list_id, **{**other, "manages": False})  # type: ignore[arg-type]
    changed = saved_lists.change_list(desk.contract, made.saved_list_id, **other)  # type: ignore[arg-type]
    assert changed.selection == {"visit": "next_week", "channel": "phone"}
    assert desk.audit()[-1][0] == "list.changed"
    with pytest.raises(ListError, match="今はありません"):
        saved_lists.change_list(desk.contract, made.saved_list_id, **{**other, "selection": Selection(procedure="gone")})  # type: ignore[arg-type]
    deliveries.end_order(desk.contract, made.pk, by=official, now=at(7))
    assert tasks.make_deliveries(at(8)) == 0
    with pytest.raises(ListError, match="すでに終わって"):
        deliveries.end_order(desk.contract, made.pk, by=official, now=at(7))
    saved_lists.remove_list(desk.contract, made.saved_list_id, manages=True, by=official, now=desk.now)


def test_the_next_due_moment(desk: Desk, official: Actor) -> None:
    made = order(desk, official, rhythm=Rhythm.MONTH_DAY, month_day=31, due_time=dt.time(17))
    with contract_scope(desk.contract):
        coming = next_due(desk.contract, running_orders(), desk.now)
    assert coming == {made.pk: at(17, day=dt.date(2026, 11, 30))}


@given(st.integers(1, 31), st.dates(dt.date(2000, 1, 1), dt.date(2190, 1, 1)))
def test_an_order_of_a_day_of_the_month_falls_due_once_a_month(month_day: int, any_day: dt.date) -> None:
    first = any_day.replace(day=1)
    days = [first + dt.timedelta(days=n) for n in range(31) if (first + dt.timedelta(days=n)).month == first.month]
    due = [day for day in days if due_on("month_day", day, weekdays=[], month_day=month_day, business=())]
    assert due == [days[min(month_day, len(days)) - 1]]
