"""Every staff page of booking opens under every contract, writes nothing on GET, and is closed to strangers."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client

from madoguchi.domain.booking import availability
from madoguchi.domain.booking.services.setup import set_up
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from tests.web.staff_site import SignIn

PAGES = ("desk/", "desk/new/", "day/", "bookings/", "affected/", "slots/", "calendar/", "texts/", "contract/", "cards/", "phone/staffing/")
CODES = ("hatsukaichi", "izumi", "izunokuni", "nagaoka", "urasoe")


def rows(contract: Contract) -> dict[str, int]:
    """How many rows every table of booking, notices, work and audit holds."""
    counts = {}
    with contract_scope(contract), connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            if table.startswith(("booking_", "notices_", "worklog_", "audit_", "procedures_", "contracts_", "staffing_")):
                cursor.execute(f'select count(*) from "{table}"')
                counts[table] = cursor.fetchone()[0]
    return counts


@pytest.mark.req("CON-02", "SEC-01")
@pytest.mark.parametrize("code", CODES)
def test_pages_open_and_write_nothing(contracts: dict[str, Contract], sign_in: SignIn, now: object, code: str) -> None:
    availability.forget()
    contract = contracts[code]
    set_up(contract, now=now)  # type: ignore[arg-type]
    manager = sign_in(contract, Role.MANAGER)
    before = rows(contract)
    for page in PAGES:
        answer = manager.get(f"/staff/{code}/{page}", follow=True)
        assert answer.status_code == 200, page
        assert b"NoReverseMatch" not in answer.content
    assert rows(contract) == before
    with contract_scope(contract):
        pool = contract.profile.pools[0].code
    for page in (
        f"slots/{pool}/patterns/",
        f"slots/{pool}/2026-12-01/",
        f"texts/{contract.profile.procedures[0].code}/ja/",
    ):
        assert manager.get(f"/staff/{code}/{page}").status_code == 200, page
    availability.forget()


@pytest.mark.req("CON-02")
@pytest.mark.parametrize("page", PAGES)
def test_strangers_and_visitors_stay_outside(contracts: dict[str, Contract], sign_in: SignIn, page: str) -> None:
    stranger = sign_in(contracts["izumi"], Role.CITY)
    assert stranger.get(f"/staff/hatsukaichi/{page}").status_code == 404
    visitor = Client().get(f"/staff/hatsukaichi/{page}")
    assert visitor.status_code == 302
    assert "/accounts/login/" in visitor.url


@pytest.mark.parametrize(
    "deed",
    [
        "desk/b/ABCDEFGH/cancel/",
        "desk/b/ABCDEFGH/note/",
        "day/ABCDEFGH/mark/",
        "bookings/export/",
        "affected/1/settle/",
        "calendar/1/withdraw/",
    ],
)
def test_deeds_do_not_answer_get(contracts: dict[str, Contract], sign_in: SignIn, deed: str) -> None:
    assert sign_in(contracts["hatsukaichi"], Role.MANAGER).get(f"/staff/hatsukaichi/{deed}").status_code == 405
