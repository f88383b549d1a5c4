"""The demo's data is made by real deeds: it is whole, repeatable, and shows every contract."""

from __future__ import annotations

import datetime as dt

import pytest

from madoguchi import demo, demo_cards, demo_cases, demo_counter, demo_lists, demo_premises, demo_second
from madoguchi.domain.booking import availability, capacity
from madoguchi.domain.booking.enums import State
from madoguchi.domain.booking.models import Booking, DayPlan, Delivery, Event, ExternalLog, ExternalVisit, WalkIn
from madoguchi.domain.booking.services.setup import set_up
from madoguchi.domain.calls.enums import Line
from madoguchi.domain.calls.models import Callback, Contact, Escalation
from madoguchi.domain.cards.enums import State as CardState
from madoguchi.domain.cards.models import Batch, Card, Difference, Stocktake
from madoguchi.domain.cases.enums import Side, VersionState
from madoguchi.domain.cases.enums import State as CaseState
from madoguchi.domain.cases.models import Case, FlowVersion
from madoguchi.domain.incidents.models import Incident
from madoguchi.domain.notices.models import Message
from madoguchi.ground.audit.queries import verify
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "BACK", 6)
    monkeypatch.setattr(demo, "AHEAD", 24)
    monkeypatch.setattr(demo, "PER_DAY", 8)
    monkeypatch.setattr(demo_cards, "OLD", 64)
    monkeypatch.setattr(demo_cards, "FRESH", 40)
    monkeypatch.setattr(demo_cases, "DAYS", 1)
    monkeypatch.setattr(demo_cases, "PER_DAY", 3)
    monkeypatch.setattr(demo_counter, "SINCE", dt.timedelta(hours=1))
    monkeypatch.setattr(demo_counter, "PER_WINDOW", 5)
    monkeypatch.setattr(demo_lists, "FILE", 60)
    monkeypatch.setattr(demo_lists, "DAYS", 3)
    monkeypatch.setattr(demo_premises, "DAYS", 6)
    monkeypatch.setattr(demo_second, "DAYS", 6)
    availability.forget()


@pytest.mark.req("CON-02", "BOOK-01")
def test_every_contract_has_whole_data_and_loading_again_changes_nothing(
    small: None, contracts: dict[str, Contract], now: dt.datetime
) -> None:
    for contract in contracts.values():
        set_up(contract, now=now, first=demo.begin_at(now))
    said: list[str] = []
    logins = demo.load(now=now, say=said.append)
    assert len(said) == 5
    assert {login.contract for login in logins} == {*contracts, ""}
    for code, contract in contracts.items():
        with contract_scope(contract):
            if code == "izunokuni":
                assert ExternalLog.objects.count() > 10
                assert set(ExternalVisit.objects.values_list("state", flat=True)) >= {"booked", "arrived"}
                assert not Booking.objects.exists()
            else:
                states = set(Booking.objects.values_list("state", flat=True))
                assert State.BOOKED in states
                assert Booking.objects.filter(starts_at__lt=now, arrived_at__isnull=False).exists()
                assert set(Event.objects.values_list("actor_kind", flat=True)) >= {"citizen", "call_centre", "city"}
                assert DayPlan.objects.filter(date__gt=now + dt.timedelta(days=7)).count() > 2
            assert list(Incident.objects.order_by("pk").values_list("state", flat=True))[::2] == ["closed", "reported"]
            came = WalkIn.objects.filter(at__gt=now - dt.timedelta(days=4), at__lte=now)
            assert came.count() > 2
            assert {code for one in came for code in one.people} <= {s for site in contract.profile.sites for s in site.services}
            queued = Message.objects.filter(state=Message.State.QUEUED, due_at__lt=now).count()
            assert queued == 0
            if "desk" in contract.profile.modules:
                cases = Case.objects.filter(since__gte=now - dt.timedelta(hours=4))
                assert {one.state for one in cases} == set(CaseState)
                assert {one.side for one in cases.exclude(state=CaseState.ENDED)} == set(Side)
                assert FlowVersion.objects.filter(state=VersionState.PROPOSED).exists()
            if "calls" in contract.profile.modules:
                assert Callback.objects.filter(ended_at=None, due_at__lt=now).exists()
                assert Escalation.objects.filter(line=Line.CITY, complaint=True, closed_at=None).exists()
                assert Contact.objects.filter(call=None).exists()
                assert Contact.objects.exclude(call=None).exists()
            else:
                assert not Contact.objects.exists()
            if contract.profile.cards is not None:
                assert set(Card.objects.values_list("state", flat=True)) == set(CardState)
                assert Batch.objects.filter(closed_at=None).count() == 1
                assert Stocktake.objects.exclude(closed_at=None).count() == Difference.objects.exclude(resolution="").count() == 1
        assert capacity.verify(contract) == []
        assert verify(contract) == []
    with contract_scope(contracts["hatsukaichi"]):
        assert Delivery.objects.filter(rows__gt=0).exists()
        assert not Delivery.objects.filter(made_at=None).exists()
    with contract_scope(contracts["izumi"]):
        count = Booking.objects.count()
    demo.load(now=now, say=said.append)
    assert len(said) == 5
    with contract_scope(contracts["izumi"]):
        assert Booking.objects.count() == count
