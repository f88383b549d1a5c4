"""The link of a mail, sent by many at the same moment: one answer."""

from __future__ import annotations

import datetime as dt

import pytest

from madoguchi.domain.survey.enums import Way
from madoguchi.domain.survey.errors import SurveyRefused
from madoguchi.domain.survey.models import Answer, UsedLink
from madoguchi.domain.survey.services import Link, Sheet, answer, count_answers
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.worklog.models import Fact

from .crowd import Outcome, run

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("races"), pytest.mark.req("REP-06")]
WORKERS = 4


def test_a_link_is_used_once_and_an_answer_counted_once(contracts: dict[str, Contract], now: dt.datetime) -> None:
    contract = contracts["izumi"]
    link = Link("0" * 32, now.date())
    refused: list[str] = []

    def act(_: Outcome) -> None:
        try:
            answer(contract, Sheet({"satisfaction": 5}), way=Way.MAIL, site="", procedure="", language="ja", link=link, now=now)
        except SurveyRefused as wrong:
            refused.append(str(wrong))

    assert run([act] * WORKERS).failures == []
    assert len(refused) == WORKERS - 1
    later = now + dt.timedelta(hours=1)
    assert run([lambda _: count_answers(contract, now=later)] * WORKERS).failures == []
    with contract_scope(contract):
        assert (Answer.objects.count(), UsedLink.objects.count()) == (1, 1)
        assert Fact.objects.filter(kind="survey.answered").count() == 1
