"""Call-backs: owed until they end with an outcome, called by one person at a time."""

from __future__ import annotations

import datetime as dt

import pytest

from madoguchi.domain.calls.enums import CallbackEnd, TryOutcome
from madoguchi.domain.calls.errors import CallsRefused
from madoguchi.domain.calls.models import Call, Callback, CallbackTry
from madoguchi.domain.calls.services import callbacks
from madoguchi.domain.calls.services.record import record_events
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.actors import SYSTEM
from madoguchi.ground.worklog.models import Fact

from .people import member
from .told import NINE, abandoned, answered, callback

pytestmark = pytest.mark.req("CALL-03")
HOUR = dt.timedelta(hours=1)


def test_a_promise_is_due_in_two_opening_hours_or_when_the_caller_wishes(contract: Contract) -> None:
    _, by = member(contract, Role.OPERATOR)
    plain = callbacks.promise(contract, number="0829-30-9100", name="山田", about="受取りの日", by=by, now=NINE)
    assert (plain.due_at, plain.asked_at) == (NINE + 2 * HOUR, NINE)
    assert "山田".encode() not in bytes(plain.words or b"")
    wished = callbacks.promise(contract, number="09012345678", due_at=NINE + 5 * HOUR, by=by, now=NINE)
    assert wished.due_at == NINE + 5 * HOUR


def test_what_cannot_be_promised_says_why(contract: Contract) -> None:
    _, by = member(contract, Role.OPERATOR)
    record_events(contract, abandoned(), by=SYSTEM, now=NINE)
    call = Call.objects.get()
    with pytest.raises(CallsRefused, match="市外局番から"):
        callbacks.promise(contract, number="12-3456", by=by, now=NINE)
    with pytest.raises(CallsRefused, match="いまより後"):
        callbacks.promise(contract, number="09012345678", due_at=NINE, by=by, now=NINE)
    with pytest.raises(CallsRefused, match="500文字まで"):
        callbacks.promise(contract, number="09012345678", about="あ" * 501, by=by, now=NINE)
    callbacks.promise(contract, number="09012345678", call=call, by=by, now=NINE)
    with pytest.raises(CallsRefused, match="すでに一覧に"):
        callbacks.promise(contract, number="09012345678", call=call, by=by, now=NINE)


def test_who_took_it_has_it_for_half_an_hour(contract: Contract) -> None:
    (one, by_one), (two, by_two) = member(contract, Role.OPERATOR), member(contract, Role.OPERATOR)
    owed = callbacks.promise(contract, number="09012345678", by=by_one, now=NINE)
    callbacks.take(contract, owed.pk, user=one, by=by_one, now=NINE)
    callbacks.take(contract, owed.pk, user=one, by=by_one, now=NINE)
    with pytest.raises(CallsRefused, match=f"{one.name}さんがこの折り返しを担当"):
        callbacks.take(contract, owed.pk, user=two, by=by_two, now=NINE + 29 * HOUR / 60)
    taken = callbacks.take(contract, owed.pk, user=two, by=by_two, now=NINE + HOUR / 2)
    assert taken.owner == two


def test_a_try_that_reaches_the_person_ends_all_that_the_number_waits_for(contract: Contract) -> None:
    user, by = member(contract, Role.OPERATOR)
    record_events(contract, [*callback("d"), *callback("e", start=NINE + HOUR), *callback("f", caller="0829309100")], by=SYSTEM, now=NINE + 2 * HOUR)
    first, second, other = Callback.objects.order_by("call__ref")
    missed = callbacks.tried(contract, first.pk, outcome=TryOutcome.NO_ANSWER, user=user, by=by, now=NINE + 2 * HOUR)
    assert (missed.tries, missed.owner, missed.ended_at) == (1, user, None)
    reached = callbacks.tried(contract, first.pk, outcome=TryOutcome.REACHED, user=user, by=by, now=NINE + 3 * HOUR)
    assert (reached.tries, reached.outcome, reached.ended_at) == (2, CallbackEnd.REACHED, NINE + 3 * HOUR)
    second.refresh_from_db()
    other.refresh_from_db()
    assert (second.outcome, second.ended_at, other.ended_at) == (CallbackEnd.REACHED, NINE + 3 * HOUR, None)
    assert list(CallbackTry.objects.order_by("at").values_list("outcome", flat=True)) == [TryOutcome.NO_ANSWER, TryOutcome.REACHED]
    assert set(Fact.objects.filter(kind="callback.closed").values_list("outcome", "ref")) == {
        ("reached", f"callback:{first.pk}"), ("reached", f"callback:{second.pk}"),
    }  # fmt: skip
    with pytest.raises(CallsRefused, match="すでに終わって"):
        callbacks.tried(contract, first.pk, outcome=TryOutcome.BUSY, user=user, by=by, now=NINE + 4 * HOUR)


def test_nobody_gives_up_before_two_tries(contract: Contract) -> None:
    user, by = member(contract, Role.OPERATOR)
    owed = callbacks.promise(contract, number="09012345678", by=by, now=NINE)
    callbacks.tried(contract, owed.pk, outcome=TryOutcome.BUSY, user=user, by=by, now=NINE)
    with pytest.raises(CallsRefused, match="2回は電話"):
        callbacks.end(contract, owed.pk, outcome=CallbackEnd.GIVEN_UP, by=by, now=NINE)
    callbacks.tried(contract, owed.pk, outcome=TryOutcome.MESSAGE, user=user, by=by, now=NINE + HOUR)
    ended = callbacks.end(contract, owed.pk, outcome=CallbackEnd.GIVEN_UP, by=by, now=NINE + 2 * HOUR)
    fact = Fact.objects.get(kind="callback.closed")
    assert (ended.ended_at, fact.outcome, fact.wait_seconds) == (NINE + 2 * HOUR, "given_up", 7200)
    for deed in (lambda: callbacks.end(contract, owed.pk, outcome=CallbackEnd.NEEDLESS, by=by, now=NINE),
                 lambda: callbacks.take(contract, owed.pk, user=user, by=by, now=NINE)):  # fmt: skip
        with pytest.raises(CallsRefused, match="すでに終わって"):
            deed()
    with pytest.raises(CallsRefused, match="見つかりません"):
        callbacks.take(contract, 999, user=user, by=by, now=NINE)


def test_getting_through_oneself_counts_as_work_too(contract: Contract) -> None:
    record_events(contract, callback(), by=SYSTEM, now=NINE + HOUR)
    record_events(contract, answered("later", start=NINE + HOUR), by=SYSTEM, now=NINE + 2 * HOUR)
    fact = Fact.objects.get(kind="callback.closed")
    call = Call.objects.get(ref="later")
    assert (fact.outcome, fact.at) == ("called_again", call.answered_at)
