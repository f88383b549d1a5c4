"""What the pages read: figures of recorded calls equal those computed by hand, in few statements however many calls there are."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from madoguchi.domain.calls import rules
from madoguchi.domain.calls.enums import Outcome
from madoguchi.domain.calls.figures import Definition, figures, left_out, verdict
from madoguchi.domain.calls.models import Call, Callback
from madoguchi.domain.calls.queries import reports
from madoguchi.domain.calls.queries.board import board
from madoguchi.domain.calls.queries.calls import (
    Conditions,
    counted,
    detail,
    listed,
    measured,
    number_of,
    of_number,
    unanswered,
    waiting_now,
)
from madoguchi.domain.calls.services import callbacks
from madoguchi.domain.calls.services.record import record_events
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.actors import SYSTEM
from madoguchi.ground.privacy.sealing import keyring

from .day import BY_HAND, EVENING, RECEIVED, record_day
from .told import NINE, abandoned, answered, callback, closed, overflowed, told

TODAY = NINE.date()


@pytest.mark.req("CALL-06")
def test_two_hundred_recorded_calls_agree_with_the_table_by_hand(contract: Contract) -> None:
    record_day(contract)
    calls = counted(contract, TODAY, TODAY)
    for definition, offered, spoken, rate in BY_HAND:
        found = figures(calls, definition)
        assert (found.received, found.offered, found.counted_answered, found.ongoing) == (RECEIVED, offered, spoken, 2), definition.code
        assert f"{found.answer_rate:.1%}" == rate
        assert found.service_level == pytest.approx(105 / offered)
        assert found.asa == pytest.approx((105 * 10 + 35 * 50) / 140)
        assert found.aht == pytest.approx((140 * 220 + 70 * 40) / 140)
        words = [verdict(call, definition) for call in calls]
        assert (words.count("answered"), words.count("excluded"), words.count("ongoing")) == (spoken, RECEIVED - 2 - offered, 2)
    short = next(definition for definition, *_ in BY_HAND if definition.code == "short")
    reasons = [x.reason for x in figures(calls, short).excluded]
    assert (reasons.count("受付時間外"), reasons.count("5秒未満で切断"), len(reasons)) == (12, 8, 20)
    assert [left_out(x.call, short) for x in figures(calls, short).excluded] == reasons


@pytest.mark.req("CALL-06")
def test_the_board_and_the_month_say_the_same(contract: Contract, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "definitions", lambda profile: (Definition(target=0.8),))
    record_day(contract)
    record_events(contract, answered("yesterday", start=NINE - dt.timedelta(days=1), caller="+819099999999"), by=SYSTEM, now=EVENING)
    record_events(contract, told("out", ("offered", 0, {"callback": "1"}), ("answered", 9, "user:1"), ("ended", 30)), by=SYSTEM, now=EVENING)
    seen = board(contract, EVENING)
    own = seen.both[0]
    assert (own.today.received, own.today.offered, own.today.counted_answered, own.today.met) == (200, 186, 140, False)
    assert (own.month.received, own.month.counted_answered) == (201, 141)
    assert sum(one.offered for _, one in seen.halves) == 186
    assert [at for at, _ in seen.halves] == [NINE + n * dt.timedelta(minutes=30) for n in range(13)]
    assert [(day.day, one.counted_answered) for day, one in seen.days] == [(1, 1), (2, 140)]
    assert len(seen.waiting) == 2
    assert seen.longest_wait == max((EVENING - one.since).seconds for one in seen.waiting)
    month = reports.month_of(contract, TODAY)
    assert (month.first, month.last, month.figures[0].offered) == (dt.date(2026, 11, 1), dt.date(2026, 11, 30), 187)
    assert len(month.unanswered) == 22 + 6 + 9 + 8 + 1
    lines = reports.lines(month)
    head = reports.columns(tuple(one.definition for one in month.figures))
    assert {len(line) for line in lines} == {len(head)}
    assert sum(line[head.index("標準の定義：数え方")] == "応答" for line in lines) == 141


@pytest.mark.req("CALL-06", "CALL-03")
def test_who_is_still_owed_something(contract: Contract) -> None:
    hour = dt.timedelta(hours=1)
    record_events(
        contract,
        [
            *abandoned("again", caller="+819000000001"), *answered("spoken", start=NINE + hour, caller="+819000000001"),
            *abandoned("before", start=NINE + 2 * hour, caller="+819000000001"),
            *overflowed("alone", start=NINE + hour, caller="+819000000002"), *overflowed("withheld", caller=""),
            *callback("wish", caller="+819000000003"), *closed("night", caller="+819000000004"),
        ],
        by=SYSTEM, now=EVENING,
    )  # fmt: skip
    found = {one.call.ref: one for one in unanswered(contract, TODAY, TODAY)}
    assert {ref: one.standing for ref, one in found.items()} == {
        "again": "その後つながった", "before": "折り返していない", "alone": "折り返していない", "withheld": "番号非通知（折り返せない）",
        "wish": "折り返し待ち",
    }  # fmt: skip
    assert {ref for ref, one in found.items() if one.owed} == {"before", "alone", "wish"}
    assert found["alone"].heard == "待ち時間が上限に達したため、自動応答を聞いた"
    promised = callbacks.promise(contract, number="09000000002", call=found["alone"].call, by=SYSTEM, now=EVENING)
    callbacks.end(contract, promised.pk, outcome="needless", by=SYSTEM, now=EVENING)
    assert {one.call.ref for one in board(contract, EVENING).owed} == {"before", "wish"}


@pytest.mark.req("CALL-06")
def test_who_waits_now(contract: Contract) -> None:
    record_events(contract, told("late", ("offered", 60), ("queued", 62)), by=SYSTEM, now=NINE)
    record_events(contract, told("early", ("offered", 0), ("menu", 4, {"choice": "booking", "language": "vi"}), ("queued", 5)), by=SYSTEM, now=NINE)
    record_events(contract, told("menu", ("offered", 0)), by=SYSTEM, now=NINE)
    record_events(contract, told("talks", ("offered", 0), ("queued", 1), ("answered", 9, "user:1")), by=SYSTEM, now=NINE)
    record_events(contract, abandoned("gone"), by=SYSTEM, now=NINE)
    assert [(one.choice, one.language, one.since.second) for one in waiting_now(contract)] == [("新しいご予約", "vi", 5), ("", "", 2)]
    assert board(contract, NINE + dt.timedelta(seconds=65)).longest_wait == 60


@pytest.mark.req("CALL-07")
def test_open_half_hours_for_staffing(contract: Contract) -> None:
    second, night = NINE + dt.timedelta(minutes=31), NINE - dt.timedelta(hours=3)
    every = [*answered("a"), *answered("b", start=second), *abandoned("c"), *closed("n", start=night)]
    record_events(contract, every, by=SYSTEM, now=EVENING)
    rows = measured(contract, TODAY, TODAY + dt.timedelta(days=1))
    first = {row.start: (row.offered, row.answered, row.handle_seconds) for row in rows}
    assert first[NINE] == (2, 1, 100)
    assert first[NINE + dt.timedelta(minutes=30)] == (1, 1, 100)
    assert sum(row.offered for row in rows) == 3
    assert {row.start.minute for row in rows} == {0, 30}
    assert [row.start for row in rows] == sorted(first)
    assert measured(contract, dt.date(2026, 11, 3), dt.date(2026, 11, 3)) == [], "a holiday has no open half hour"


@pytest.mark.req("CALL-08")
def test_one_call_in_sentences(contract: Contract) -> None:
    record_events(
        contract,
        told("x", ("offered", 0, {"state": "open"}), ("menu", 4, {"key": "1", "choice": "book"}), ("queued", 5), ("ringing", 6, "user:0"),
             ("not_answered", 21, "user:0", {"why": "timeout"}), ("ringing", 21, "PJSIP/12"), ("answered", 25, "PJSIP/12"), ("held", 40, "PJSIP/12"),
             ("resumed", 50, "PJSIP/12"), ("transferred", 60, "PJSIP/12", {"to": "PJSIP/13"}), ("ended", 90, {"by": "caller"})),
        by=SYSTEM, now=EVENING,
    )  # fmt: skip
    found = detail(contract, Call.objects.get().pk)
    assert found is not None
    assert [step.text for step in found.steps] == [
        "電話がかかってきた（受付時間内）。", "1を押した（予約の申込み）。", "待ち始めた。", "user:0を呼び出した。", "user:0は時間内に出なかった。",
        "PJSIP/12を呼び出した。", "PJSIP/12が応答した。", "PJSIP/12が保留にした。", "PJSIP/12が通話に戻った。",
        "PJSIP/12がPJSIP/13に電話を回した。", "相手が電話を切った。",
    ]  # fmt: skip
    assert detail(contract, 0) is None


def test_a_caller_who_hung_up_and_got_through_later(contract: Contract) -> None:
    hours = dt.timedelta(hours=2)
    record_events(contract, [*answered("before", start=NINE - hours), *abandoned("gone"), *answered("after", start=NINE + hours)], by=SYSTEM, now=EVENING)
    found = detail(contract, Call.objects.get(ref="gone").pk)
    assert found is not None
    assert [step.text for step in found.steps][-1:] == ["人が応答する前に、相手が電話を切った。"]
    assert found.later == NINE + hours
    answered_one = detail(contract, Call.objects.get(ref="before").pk)
    assert answered_one is not None
    assert answered_one.later is None


def test_lists_are_narrowed(contract: Contract) -> None:
    record_events(contract, [*answered("a"), *abandoned("b"), *closed("c"), *answered("d", start=NINE - dt.timedelta(days=3))], by=SYSTEM, now=EVENING)
    day = Conditions(TODAY, TODAY)
    assert [call.ref for call in listed(contract, day)] == ["c", "b", "a"]
    assert [call.ref for call in listed(contract, Conditions(TODAY, TODAY, unanswered=True))] == ["b"]
    assert [call.ref for call in listed(contract, Conditions(TODAY, TODAY, outcome=Outcome.CLOSED))] == ["c"]
    assert [call.ref for call in listed(contract, Conditions(TODAY, TODAY, choice="book", language="ja"))] == ["a"]
    ring = keyring(contract)
    same = of_number(contract, ring, "090-1234-5678")
    assert [call.ref for call in same] == ["c", "b", "a", "d"]
    assert number_of(ring, same[0]) == "09012345678"


@pytest.mark.req("CALL-06")
@pytest.mark.parametrize("times", [1, 3])
def test_few_statements_for_any_number_of_calls(
    contract: Contract, django_assert_num_queries: Callable[[int], Any], times: int
) -> None:
    for n in range(times):
        start = NINE + dt.timedelta(minutes=n)
        wish = callback(f"c{n}", start=start, caller=f"+81901111000{n}")
        waits = told(f"w{n}", ("offered", 0), ("queued", 1), start=start)
        calls = [answered(f"a{n}", start=start), abandoned(f"b{n}", start=start), wish, waits]
        record_events(contract, [event for call in calls for event in call], by=SYSTEM, now=EVENING)
    with django_assert_num_queries(1):
        assert len(counted(contract, TODAY, TODAY)) == 4 * times
    with django_assert_num_queries(2):
        assert len(unanswered(contract, TODAY, TODAY)) == 2 * times
    with django_assert_num_queries(1):
        assert len(waiting_now(contract)) == times
    with django_assert_num_queries(4):
        assert len(board(contract, EVENING).waiting) == times
    with django_assert_num_queries(3):
        reports.lines(reports.month_of(contract, TODAY))
    with django_assert_num_queries(1):
        assert len([call.operator for call in listed(contract, Conditions(TODAY, TODAY))]) == 4 * times


@pytest.mark.req("CALL-06")
def test_a_month_of_fifteen_hundred_calls(contract: Contract, django_assert_num_queries: Callable[[int], Any]) -> None:
    every = []
    for n in range(1500):
        start = NINE - dt.timedelta(days=1) + dt.timedelta(minutes=n)
        make = (answered, answered, answered, answered, abandoned, callback)[n % 6]
        every += make(f"m{n}", start=start, caller=f"+8190{20_000_000 + n}")
    record_events(contract, every, by=SYSTEM, now=EVENING)
    with django_assert_num_queries(3):
        month = reports.month_of(contract, TODAY)
    assert (month.figures[0].received, month.figures[0].counted_answered) == (1500, 1000)
    with django_assert_num_queries(4):
        board(contract, EVENING)
    assert Callback.objects.count() == 250


@pytest.mark.req("CALL-08")
def test_recording_takes_few_statements(contract: Contract, django_assert_max_num_queries: Callable[[int], Any]) -> None:
    every = [event for n in range(60) for event in answered(f"m{n}", start=NINE + dt.timedelta(minutes=n), caller=f"+8190{20_000_000 + n}")]
    with django_assert_max_num_queries(24):
        record_events(contract, every, by=SYSTEM, now=EVENING)
    assert Call.objects.filter(outcome=Outcome.ANSWERED).count() == 60


@pytest.mark.req("CALL-03")
def test_a_wish_and_the_call_that_got_through_in_one_batch(contract: Contract) -> None:
    record_events(contract, [*answered("a-later", start=NINE + dt.timedelta(hours=1)), *callback("z-first")], by=SYSTEM, now=EVENING)
    assert Callback.objects.get().outcome == "called_again"


def test_a_definition_reads_as_a_sentence() -> None:
    text = Definition(exclude_short=True, short_seconds=5, callbacks="left_out").sentence()
    assert text == (
        "応答率＝応答した件数÷着信の件数。受付時間外の着信は除く。着信から5秒未満で切れた着信は除く。折り返し希望は除く。通話中・待機中の着信は、終わるまで数えない。"
    )
