"""Several workers at the same due moment: one file, one set of mails."""

from __future__ import annotations

import datetime as dt

import pytest

from madoguchi.domain.booking import tasks
from madoguchi.domain.booking.enums import FileForm, Rhythm
from madoguchi.domain.booking.models import Delivery, Receipt
from madoguchi.domain.booking.selection import Selection
from madoguchi.domain.booking.services.deliveries import order_list
from madoguchi.domain.booking.services.saved_lists import save_list
from madoguchi.domain.notices.models import Message
from madoguchi.ground.accounts.models import Assignment, Role, User
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor
from madoguchi.ground.worklog.models import Fact

from ..domain.booking.desk import Desk, at
from .crowd import run

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("races")]


@pytest.mark.req("BOOK-10")
def test_six_workers_make_each_file_once(desk: Desk, official: Actor) -> None:
    user = User.objects.create_user("city@example.jp", None, name="市 花子")
    Assignment.objects.create(user=user, contract=desk.contract, role=Role.CITY)
    kept = save_list(desk.contract, name="明日", selection=Selection(visit="tomorrow"), shared=True, by=official, now=desk.now)
    for _ in range(3):
        order_list(
            desk.contract, saved_list=kept.pk, form=FileForm.CSV, rhythm=Rhythm.BUSINESS_DAYS, due_time=dt.time(8, 30),
            by=official, now=desk.now,
        )  # fmt: skip
    made: list[int] = []
    outcome = run([lambda _: made.append(tasks.make_deliveries(at(8)))] * 6)
    assert outcome.failures == []
    assert sum(made) == 3
    with contract_scope(desk.contract):
        assert Delivery.objects.exclude(made_at=None).count() == Delivery.objects.count() == 3
        assert (Receipt.objects.count(), Message.objects.filter(kind="list_ready").count()) == (3, 3)
        assert Fact.objects.filter(kind="list.delivered").count() == 3
