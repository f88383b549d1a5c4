"""Facts are written, corrected and taken away while days are counted and figures read: every read is the truth of one moment."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable

import pytest
from django.db import connection

from madoguchi.domain.reports.measures import DIMENSIONS, MEASURES
from madoguchi.domain.reports.queries import Period, figures
from madoguchi.domain.reports.services.days import count_days
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import SYSTEM
from madoguchi.ground.worklog.models import Fact, TouchedDay
from madoguchi.ground.worklog.services import amend, correct, fact, note, note_all, take_back, withdraw

from ..domain.reports import brute
from .crowd import Outcome, run

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("races"), pytest.mark.req("REP-02")]
WRITERS, DEEDS, DAYS = 5, 60, 6


def test_every_figure_read_meanwhile_is_whole_and_the_last_is_the_sum_of_the_facts(contracts: dict[str, Contract], now: dt.datetime) -> None:
    """Each deed writes a call and its record of conversation together: a read that sees one without the other saw half a deed."""
    contract = contracts["hatsukaichi"]
    period = Period(now.date() - dt.timedelta(days=DAYS), now.date())
    writing = [True]
    left = [WRITERS]

    def writer(number: int) -> Callable[[Outcome], None]:
        chance = random.Random(number)

        def act(_: Outcome) -> None:
            for n in range(DEEDS):
                at = now - dt.timedelta(days=chance.randrange(DAYS), minutes=chance.randrange(500))
                ref = f"call:{number}-{n}"
                old = f"call:{number}-{chance.randrange(n + 1)}"
                with contract_scope(contract):
                    both = [
                        fact(contract, kind, by=SYSTEM, now=at, ref=ref, outcome="answered", wait_seconds=n, handle_seconds=n)
                        for kind in ("call.ended", "contact.recorded")
                    ]
                    note_all(both)
                    match chance.randrange(5):
                        case 0:
                            amend("contact.recorded", ref=old, language="vi", outcome="solved")
                        case 1:
                            for kind in ("call.ended", "contact.recorded"):
                                withdraw(kind, ref=old)
                        case 2:
                            for kind in ("call.ended", "contact.recorded"):
                                take_back(kind, ref=ref, at=at, now=now)
                        case 3:
                            for kind in ("call.ended", "contact.recorded"):
                                correct(contract, kind, by=SYSTEM, now=at - dt.timedelta(days=1), ref=old, outcome="closed")
                        case _:
                            note(contract, "notice.sent", by=SYSTEM, now=at, ref=ref)
            left[0] -= 1
            writing[0] = left[0] > 0

        return act

    def counter(_: Outcome) -> None:
        while writing[0]:
            count_days(contract)

    def reader(_: Outcome) -> None:
        while writing[0]:
            calls, records = figures(contract, ["calls", "enquiries"], period)
            assert calls.value == records.value, "half a deed was seen"

    outcome = run([*(writer(n) for n in range(WRITERS)), counter, counter, reader, reader])
    assert outcome.failures == []
    with contract_scope(contract):
        note(contract, "notice.sent", by=SYSTEM, now=now, ref="message:1")
    for counted in (False, True):
        if counted:
            count_days(contract)
        with contract_scope(contract):
            assert TouchedDay.objects.exists() is not counted
            facts = brute.within(Fact.objects.all(), period.first, period.last)
            assert len(facts) > WRITERS * DEEDS
        for dimension in DIMENSIONS:
            codes = [code for code, one in MEASURES.items() if dimension in one.dimensions]
            for code in codes:
                rows = {row.key: (row.value, row.top, row.bottom) for row in figures(contract, [code], period, [dimension])}
                assert rows == brute.by(MEASURES[code], facts, [dimension]), (code, dimension)


def test_without_the_marks_a_late_fact_would_be_lost(contracts: dict[str, Contract], now: dt.datetime) -> None:
    """The mark is what carries a late fact into the figures: without it the count of the day stands, and is wrong."""
    contract = contracts["hatsukaichi"]
    period = Period(now.date(), now.date())
    for wanted, heard in ((2, True), (2, False)):
        with contract_scope(contract), connection.cursor() as cursor:
            if not heard:
                cursor.execute("alter table worklog_fact disable trigger touch_on_insert")
            note(contract, "call.ended", by=SYSTEM, now=now, ref="call:1")
            if heard:
                note(contract, "call.ended", by=SYSTEM, now=now, ref="call:2")
            cursor.execute("alter table worklog_fact enable trigger touch_on_insert")
        count_days(contract)
        assert figures(contract, ["calls"], period)[0].value == wanted
