"""The record of a conversation: once per call, sealed, corrected without counting twice."""

from __future__ import annotations

import datetime as dt

import pytest

from madoguchi.domain.calls.enums import Result, Source, Topic
from madoguchi.domain.calls.errors import CallsRefused
from madoguchi.domain.calls.models import Call, Contact
from madoguchi.domain.calls.queries.calls import detail
from madoguchi.domain.calls.queries.contacts import unwritten
from madoguchi.domain.calls.services.contacts import Said, Words, change, record
from madoguchi.domain.calls.services.record import record_events
from madoguchi.domain.calls.words import CONTACT
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.actors import SYSTEM
from madoguchi.ground.privacy.sealing import keyring
from madoguchi.ground.worklog.models import Fact

from .people import member
from .told import NINE, answered

pytestmark = pytest.mark.req("CALL-03")
AFTER = NINE + dt.timedelta(minutes=5)
SAID = Said(Topic.BRING, Result.SOLVED, words=Words("何を持っていくか", "通知書と本人確認書類", "山田", "090-1234-5678"))


def test_a_call_has_one_record_with_its_after_call_work(contract: Contract) -> None:
    user, by = member(contract, Role.OPERATOR)
    record_events(contract, answered(), by=SYSTEM, now=AFTER)
    call = Call.objects.get()
    first = record(contract, Said(Topic.OTHER, Result.SOLVED), call=call, user=user, by=by, now=call.ended_at + dt.timedelta(seconds=40))
    assert (first.at, first.wrapup_seconds, first.number_index) == (call.answered_at, 40, bytes(call.number_index or b""))
    again = record(contract, SAID, call=call, user=user, by=by, now=AFTER)
    assert (again.pk, again.topic, again.wrapup_seconds, again.changed_at) == (first.pk, Topic.BRING, 40, AFTER)
    fact = Fact.objects.get(kind="contact.recorded")
    assert (fact.channel, fact.actor_kind, fact.handle_seconds, fact.outcome) == ("phone", "call_centre", 40, Result.SOLVED)


def test_words_are_sealed_and_the_number_finds_them(contract: Contract) -> None:
    user, by = member(contract, Role.OPERATOR)
    made = record(contract, SAID, user=user, by=by, now=AFTER)
    row = {k: bytes(v) if isinstance(v, memoryview) else v for k, v in Contact.objects.values().get(pk=made.pk).items()}
    assert not any(secret in repr(row) for secret in ("山田", "12345678", "通知書"))
    assert Contact.objects.get(number_index=keyring(contract).blind("phone", "09012345678")) == made
    assert keyring(contract).unseal_json(CONTACT, bytes(made.words or b""))["number"] == "09012345678"


def test_what_comes_by_relay_service_or_fax_needs_no_call(contract: Contract) -> None:
    user, by = member(contract, Role.CITY)
    spoke = NINE - dt.timedelta(hours=2)
    made = record(contract, Said(Topic.LOST, Result.REFERRED, source=Source.FAX, language="en"), at=spoke, user=user, by=by, now=NINE)
    fact = Fact.objects.get()
    assert (made.call, made.at, made.wrapup_seconds) == (None, spoke, None)
    assert (fact.at, fact.channel, fact.actor_kind, fact.language) == (spoke, "phone", "city", "en")


def test_a_correction_changes_the_fact_but_not_whose_work_it_was(contract: Contract) -> None:
    user, by = member(contract, Role.OPERATOR)
    _, city = member(contract, Role.CITY)
    made = record(contract, SAID, user=user, by=by, now=AFTER)
    corrected = change(contract, made.pk, Said(Topic.BOOK, Result.BOOKED, language="vi"), by=city, now=AFTER + dt.timedelta(days=1))
    fact = Fact.objects.get(kind="contact.recorded")
    assert (fact.outcome, fact.language, fact.actor_kind, fact.at) == (Result.BOOKED, "vi", "call_centre", AFTER)
    assert (corrected.operator_id, corrected.number_index) == (user.pk, made.number_index)


def test_what_cannot_be_recorded_says_why(contract: Contract) -> None:
    user, by = member(contract, Role.OPERATOR)
    with pytest.raises(CallsRefused, match="質問は2,000文字まで"):
        record(contract, Said(Topic.BOOK, Result.SOLVED, words=Words(question="あ" * 2001)), user=user, by=by, now=AFTER)
    with pytest.raises(CallsRefused, match="いまより前"):
        record(contract, SAID, at=AFTER + dt.timedelta(minutes=1), user=user, by=by, now=AFTER)
    with pytest.raises(CallsRefused, match="見つかりません"):
        change(contract, 999, SAID, by=by, now=AFTER)
    made = record(contract, SAID, user=user, by=by, now=AFTER)
    Contact.objects.filter(pk=made.pk).update(words=None, erased_at=AFTER)
    with pytest.raises(CallsRefused, match="消去した記録"):
        change(contract, made.pk, SAID, by=by, now=AFTER)


def test_a_call_handed_over_has_a_record_of_each_who_spoke(contract: Contract) -> None:
    (first, by_first), (second, by_second) = member(contract, Role.OPERATOR), member(contract, Role.SUPERVISOR)
    record_events(contract, answered(), by=SYSTEM, now=AFTER)
    call = Call.objects.get()
    assert call.ended_at is not None
    for user, by, seconds in ((first, by_first, 30), (second, by_second, 50)):
        record(contract, SAID, call=call, user=user, by=by, now=call.ended_at + dt.timedelta(seconds=seconds))
    found = detail(contract, call.pk)
    assert found is not None
    assert [one.operator for one in found.contacts] == [first, second]
    assert found.counted.wrapup_seconds == 80
    assert list(unwritten(AFTER)) == []
