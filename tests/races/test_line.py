"""One LINE code sent by many at the same moment links one of them."""

from __future__ import annotations

import pytest

from madoguchi.domain.booking.models import Booking
from madoguchi.domain.booking.party import LINE
from madoguchi.domain.booking.services import line
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import CITIZEN_WEB
from madoguchi.ground.privacy.sealing import keyring

from ..domain.booking.desk import THURSDAY, Desk, at
from .crowd import run

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("races")]


@pytest.mark.req("BOOK-08")
def test_a_code_links_one_person(desk: Desk, settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.LINE = {"hatsukaichi": ("s", "t")}
    notices = desk.contract.profile.notices.model_copy(update={"line": "@hatsukaichi"})
    monkeypatch.setattr(Contract, "profile", desk.contract.profile.model_copy(update={"notices": notices}))
    made = desk.reserve(at(10, day=THURSDAY))
    code = line.ask(desk.contract, made.code, by=CITIZEN_WEB, now=desk.now)
    linked: list[str] = []

    def send(user: str) -> None:
        if line.link(desk.contract, code, user, by=CITIZEN_WEB, now=desk.now):
            linked.append(user)

    outcome = run([lambda _outcome, user=f"U{n:032x}": send(user) for n in range(8)])  # type: ignore[misc]
    assert outcome.failures == []
    (winner,) = linked
    with contract_scope(desk.contract):
        sealed = Booking.objects.get(pk=made.id).line
    assert keyring(desk.contract).unseal(LINE, sealed or b"").decode() == winner
