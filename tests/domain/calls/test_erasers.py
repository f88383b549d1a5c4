"""Words of callers go in time; counts stay; what is still owed keeps its words."""

from __future__ import annotations

import datetime as dt

import pytest

from madoguchi.domain.calls import erasers
from madoguchi.domain.calls.enums import CallbackEnd, Result, Topic
from madoguchi.domain.calls.models import Call, Callback, CallEvent, Contact, Escalation, Step
from madoguchi.domain.calls.services import callbacks, contacts, escalations
from madoguchi.domain.calls.services.record import record_events
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.actors import SYSTEM
from madoguchi.ground.worklog.models import Fact

from .people import member
from .told import NINE, answered, callback

pytestmark = pytest.mark.req("SEC-05", "CALL-03", "CALL-04")
SAID = contacts.Said(Topic.BRING, Result.SOLVED, words=contacts.Words("質問", "回答", "山田", "0829309100"))


def test_words_go_counts_stay_and_what_is_owed_stays_whole(contract: Contract) -> None:
    user, by = member(contract, Role.OPERATOR)
    record_events(contract, [*answered(), *callback(caller="0829309100")], by=SYSTEM, now=NINE)
    contacts.record(contract, SAID, call=Call.objects.get(ref="a"), user=user, by=by, now=NINE)
    open_contact = contacts.record(contract, SAID, user=user, by=by, now=NINE)
    done = callbacks.promise(contract, number="09012345678", name="佐藤", by=by, now=NINE)
    callbacks.end(contract, done.pk, outcome=CallbackEnd.NEEDLESS, by=by, now=NINE)
    waiting = escalations.hand_over(contract, topic=Topic.OTHER, summary="確認中", contact=open_contact, user=user, by=by, now=NINE)
    closed = escalations.hand_over(contract, topic=Topic.OTHER, summary="済んだこと", user=user, by=by, now=NINE)
    escalations.close(contract, closed.pk, text="回答した", user=user, by=by, now=NINE)
    facts = Fact.objects.count()
    limit = NINE + dt.timedelta(days=contract.profile.retention.resident_days_after_visit)

    def erase(now: dt.datetime) -> list[int]:
        erase_all = (erasers.erase_calls, erasers.erase_contacts, erasers.erase_callbacks, erasers.erase_escalations)
        return [one(contract, now) for one in erase_all]

    assert erase(limit) == [0, 0, 0, 0]
    late = limit + dt.timedelta(minutes=1)
    assert erase(late) == [2, 1, 1, 1]
    assert erase(late) == [0, 0, 0, 0]
    assert not Call.objects.exclude(number=None, number_index=None).exists()
    assert not CallEvent.objects.exclude(sealed=None).exists()
    assert list(Contact.objects.exclude(words=None)) == [open_contact]
    assert Callback.objects.exclude(words=None).get().ended_at is None
    assert list(Escalation.objects.exclude(words=None)) == [waiting]
    assert not Step.objects.filter(escalation=closed).exclude(words=None).exists()
    assert set(Call.objects.values_list("outcome", flat=True)) == {"answered", "callback"}
    assert (Contact.objects.count(), Callback.objects.count(), Fact.objects.count()) == (2, 2, facts)
    later = late + dt.timedelta(hours=1)
    escalations.close(contract, waiting.pk, text="回答した", user=user, by=by, now=later)
    assert erasers.erase_contacts(contract, later) == 1
