"""Where the city owns the reservation site, the desk leads there and keeps a log."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client

from madoguchi.domain.booking.models import ExternalLog
from madoguchi.domain.booking.services.setup import set_up
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.worklog.models import Fact
from tests.web.staff_site import SignIn

URL = "/staff/izunokuni/desk/external/"


@pytest.mark.req("BOOK-14")
def test_a_booking_on_the_citys_site_is_logged(
    contracts: dict[str, Contract], sign_in: SignIn, now: dt.datetime
) -> None:
    contract = contracts["izunokuni"]
    set_up(contract, now=now)
    client: Client = sign_in(contract, Role.OPERATOR)
    assert client.get("/staff/izunokuni/desk/new/").url == URL
    sent = {
        "kind": "created",
        "procedure": "card_pickup",
        "visit_date": "R8.12.1",
        "people": "2",
        "reference": "A-12",
        "note": "",
    }
    assert client.post(URL, sent | {"people": "0", "visit_date": "いつか"}).status_code == 422
    assert client.post(URL, sent | {"note": "1234 5678 9018"}).status_code == 422
    assert client.post(URL, sent).status_code == 302
    with contract_scope(contract):
        row = ExternalLog.objects.get()
        assert (row.kind, row.visit_date, row.people, row.reference) == ("created", dt.date(2026, 12, 1), 2, "A-12")
        assert Fact.objects.filter(kind="booking.external_created", quantity=2).count() == 1
    assert "A-12" in client.get(URL).content.decode()


def test_elsewhere_there_is_no_such_page(site: Contract, at_desk: Client) -> None:
    assert at_desk.get("/staff/hatsukaichi/desk/external/").status_code == 404
