"""Answers are taken whole or not at all, and nothing in the tables says whose they are."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from madoguchi import keeping
from madoguchi.domain.booking.models import Booking
from madoguchi.domain.booking.services.setup import set_up
from madoguchi.domain.notices.models import Message, TicketKind
from madoguchi.domain.notices.recipients import find
from madoguchi.domain.reports.queries import Period, figures
from madoguchi.domain.survey import links
from madoguchi.domain.survey.enums import Way
from madoguchi.domain.survey.errors import SurveyRefused
from madoguchi.domain.survey.models import Answer, Comment, UsedLink
from madoguchi.domain.survey.queries import answers, parts, remarks, results
from madoguchi.domain.survey.services import Link, Sheet, answer, ask_by_mail, count_answers, group
from madoguchi.ground.audit import queries as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor
from madoguchi.ground.worklog.models import Fact
from madoguchi.ground.worklog.services import note
from tests.web.staff_site import TUESDAY_10, book, site  # noqa: F401

pytestmark = [pytest.mark.django_db, pytest.mark.req("REP-06")]
NUMBER = "983205673214"
TODAY = dt.date(2026, 11, 2)


@pytest.fixture
def izumi(contracts: dict[str, Contract]) -> Iterator[Contract]:
    with contract_scope(contracts["izumi"]) as entered:
        yield entered


def give(contract: Contract, now: dt.datetime, sheet: Sheet | None = None, **other: object) -> None:
    told = {"way": Way.KIOSK, "site": "honkan", "procedure": "card_pickup", "language": "ja", "now": now, **other}
    answer(contract, sheet or Sheet({"satisfaction": 5}), **told)  # type: ignore[arg-type]


def link_of(contract: Contract) -> Link:
    until, nonce, token = links.once_path(contract, TODAY).strip("/").split("/")[-3:]
    last = links.last_day(contract, int(until), nonce, token)
    assert last == dt.date(2026, 11, 16)
    return Link(nonce, last)


def raw(table: str) -> list[dict[str, object]]:
    with connection.cursor() as cursor:
        cursor.execute(f"select * from {table}")
        names = [one.name for one in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def test_no_row_knows_who_answered_or_the_minute(izumi: Contract, now: dt.datetime) -> None:
    moment = now.replace(hour=10, minute=37, second=11)
    sheet = Sheet({"satisfaction": 4, "preparation": 2}, {"solved": "yes"}, {"opinion": "待ち時間が長かった"})
    link = link_of(izumi)
    give(izumi, moment, sheet, way=Way.MAIL, site="", link=link)
    (row,) = raw("survey_answer")
    assert set(row) == {"id", "contract_id", "day", "hour", "way", "site", "procedure", "language", "scores", "choices", "counted"}
    assert (row["day"], row["hour"]) == (TODAY, 10)
    (comment,) = raw("survey_comment")
    assert set(comment) == {"id", "contract_id", "day", "question", "language", "words", "groups", "by_hand"}
    assert "待ち時間".encode() not in bytes(comment["words"])  # type: ignore[arg-type]
    (used,) = raw("survey_usedlink")
    assert set(used) == {"id", "contract_id", "digest", "until"}
    shared = [{json.dumps(value, default=str) for key, value in one.items() if key != "contract_id"} for one in (row, comment, used)]
    assert not shared[0] & shared[2]
    assert not shared[1] & shared[2]
    assert row["id"] != comment["id"] != used["id"]
    assert link.nonce not in str(raw("survey_usedlink"))
    assert not list(audit.search())


def test_each_night_marks_and_answers_have_nothing_in_common_but_the_contract(izumi: Contract, now: dt.datetime) -> None:
    """Neither the transaction that wrote a mark nor its place among the rows is that of the answer."""
    for _ in range(6):
        give(izumi, now, way=Way.MAIL, site="", link=link_of(izumi))

    def written(table: str) -> list[tuple[int, str]]:
        with connection.cursor() as cursor:
            cursor.execute(f"select id, xmin::text from {table} order by ctid")
            return cursor.fetchall()

    before = written("survey_usedlink")
    keeping.run_retention(izumi, now + dt.timedelta(days=1))
    after = written("survey_usedlink")
    assert not {pk for pk, _ in before} & {pk for pk, _ in after}
    assert len({xmin for _, xmin in after}) == 1
    digests = [one["digest"] for one in raw("survey_usedlink")]
    assert digests == sorted(digests)  # type: ignore[type-var]
    keeping.run_retention(izumi, now + dt.timedelta(days=15))
    assert not UsedLink.objects.exists()
    assert Answer.objects.count() == 6


def test_a_link_of_a_mail_works_once_and_ends(izumi: Contract, contracts: dict[str, Contract], now: dt.datetime) -> None:
    link = link_of(izumi)
    give(izumi, now, way=Way.MAIL, link=link)
    with pytest.raises(SurveyRefused, match="もう使われ"):
        give(izumi, now, way=Way.MAIL, link=link)
    other = link_of(izumi)
    with pytest.raises(SurveyRefused):
        give(izumi, now + dt.timedelta(days=15), way=Way.MAIL, link=other)
    with pytest.raises(SurveyRefused):
        give(izumi, now, way=Way.MAIL)
    assert Answer.objects.count() == 1
    until, nonce, token = links.once_path(izumi, TODAY).strip("/").split("/")[-3:]
    assert links.last_day(izumi, int(until) + 1, nonce, token) is None
    assert links.last_day(contracts["nagaoka"], int(until), nonce, token) is None


@pytest.mark.parametrize(
    "sheet",
    [
        Sheet(), Sheet({"satisfaction": 6}), Sheet({"satisfaction": 5, "opinion": 3}), Sheet({"manner": 4}), Sheet({"satisfaction": 5}, {"solved": "maybe"}),
        Sheet({"satisfaction": 5}, {}, {"opinion": "長" * 1001}), Sheet({"satisfaction": 5}, {}, {"manner": "よい"}),
    ],
)  # fmt: skip
def test_what_no_question_takes_is_refused_whole(izumi: Contract, now: dt.datetime, sheet: Sheet) -> None:
    with pytest.raises(SurveyRefused):
        give(izumi, now, sheet)
    assert not Answer.objects.exists()
    assert not Comment.objects.exists()


def test_questions_go_by_procedure_and_day(izumi: Contract, now: dt.datetime) -> None:
    with pytest.raises(SurveyRefused):
        give(izumi, now, Sheet({"satisfaction": 5, "preparation": 5}), procedure="pin_reset")
    give(izumi, now, Sheet({"satisfaction": 5, "preparation": 5}))


def test_an_individual_number_is_refused_and_nothing_is_kept(izumi: Contract, now: dt.datetime) -> None:
    with pytest.raises(ValidationError):
        give(izumi, now, Sheet({"satisfaction": 5}, {}, {"opinion": f"番号は{NUMBER}です"}))
    assert not Answer.objects.exists()


def test_comments_are_grouped_put_right_by_hand_and_erased_in_time(izumi: Contract, official: Actor, now: dt.datetime) -> None:
    give(izumi, now, Sheet({"satisfaction": 2}, {}, {"opinion": "待ち時間が長い。職員は親切でした"}))
    (one,) = remarks(izumi, TODAY, TODAY)
    assert (one.text, one.groups) == ("待ち時間が長い。職員は親切でした", ("waiting", "manner"))
    group(izumi, one.pk, ["place"], by=official, now=now)
    with pytest.raises(SurveyRefused):
        group(izumi, one.pk, ["nobody"], by=official, now=now)
    keep = izumi.profile.retention.resident_days_after_visit
    assert keeping.run_retention(izumi, now + dt.timedelta(days=keep))["survey.comments"] == 0
    assert keeping.run_retention(izumi, now + dt.timedelta(days=keep + 1))["survey.comments"] == 1
    (one,) = remarks(izumi, TODAY, TODAY)
    assert (one.text, one.groups, one.by_hand) == (None, ("place",), True)


def test_facts_come_when_the_hour_is_over_and_tell_the_hour_only(izumi: Contract, now: dt.datetime) -> None:
    for minute, score in ((5, 5), (20, 4), (55, 3)):
        give(izumi, now.replace(hour=10, minute=minute), Sheet({"satisfaction": score}))
    assert count_answers(izumi, now=now.replace(hour=10, minute=59)) == 0
    assert [count_answers(izumi, now=now.replace(hour=11)) for _ in range(2)] == [3, 0]
    facts = list(Fact.objects.filter(kind__startswith="survey."))
    assert {(one.at.minute, one.at.second, one.ref, one.procedure, one.language) for one in facts} == {(0, 0, "survey:202611", "", "")}
    count, mean = figures(izumi, ["survey_answers", "survey_score"], Period(TODAY, TODAY))
    assert (count.value, mean.value) == (3, 4.0)


@pytest.mark.req("REP-06")
def test_the_rate_of_answers_is_that_of_all_who_came(izumi: Contract, official: Actor, now: dt.datetime) -> None:
    for kind, people in (("booking.attended", 5), ("visit.walk_in", 7), ("visit.walk_in", -2), ("booking.no_show", 9)):
        note(izumi, kind, by=official, now=now.replace(hour=10), ref="walk_in:1", site="honkan", quantity=people)
    for score in (5, 4):
        give(izumi, now.replace(hour=10), Sheet({"satisfaction": score}))
    count_answers(izumi, now=now.replace(hour=11))
    (rate,) = figures(izumi, ["survey_rate"], Period(TODAY, TODAY))
    assert (rate.top, rate.bottom, rate.value) == (2, 10, 0.2)


def test_fewer_than_five_are_not_shown(izumi: Contract, now: dt.datetime) -> None:
    survey = izumi.profile.survey
    assert survey is not None
    for _ in range(4):
        give(izumi, now, procedure="pin_reset")
    (first, *_rest) = results(survey.questions, answers(TODAY, TODAY))
    assert (first.n, first.mean, first.shares) == (4, None, ())
    for procedure in ["card_pickup"] * 9 + ["cert_renewal"] * 6:
        give(izumi, now, procedure=procedure)
    rows = answers(TODAY, TODAY)
    (first, *_rest) = results(survey.questions, rows)
    assert first.mean is not None
    assert (first.n, first.mean.value) == (19, 5.0)
    assert {one.value: one.n for one in parts(survey.questions, rows, lambda row: row[3])} == {"card_pickup": 9, "cert_renewal": None, "pin_reset": None}


def test_who_came_yesterday_is_asked_once_by_mail(site: Contract, contracts: dict[str, Contract], now: dt.datetime) -> None:  # noqa: F811
    izumi = contracts["izumi"]
    set_up(izumi, now=now)
    with contract_scope(izumi):
        made = book(izumi, TUESDAY_10 + dt.timedelta(minutes=15), email="taro@example.jp", now=now)
        assert ask_by_mail(izumi, now=TUESDAY_10 + dt.timedelta(days=1)) == 0
        Booking.objects.filter(code=made.code).update(arrived_at=TUESDAY_10)
        assert [ask_by_mail(izumi, now=TUESDAY_10 + dt.timedelta(days=1)) for _ in range(2)] == [1, 0]
        message = Message.objects.get(kind=TicketKind.SURVEY)
        found = [find(izumi, message, "ja") for _ in range(2)]
        paths = [one.context["link"].partition("?")[0].split("/")[-4:-1] for one in found if one is not None]
        assert paths[0][1] != paths[1][1]
        assert links.last_day(izumi, int(paths[0][0]), *paths[0][1:]) == dt.date(2026, 11, 25)
        assert message.detail is None
        assert ask_by_mail(contracts["hatsukaichi"], now=TUESDAY_10 + dt.timedelta(days=1)) == 0
