"""The table of a contract: made, changed from a day on, ended, confirmed; the database refuses two versions for a day."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import IntegrityError, transaction

from madoguchi.domain.procedures.enums import Kind, Who
from madoguchi.domain.procedures.models import BringRule
from madoguchi.domain.procedures.queries import bring_rows
from madoguchi.domain.procedures.rules.bring import Visitor, answer
from madoguchi.domain.procedures.services.bring import (
    BEGINNING,
    RuleRefused,
    RuleValues,
    add_rule,
    change_rule,
    confirm_rules,
    end_rule,
    ensure_rules,
    values_of,
)
from madoguchi.domain.procedures.shipped import shipped_rows
from madoguchi.ground.audit.models import Entry
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.actors import Actor

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


@pytest.fixture(autouse=True)
def table(contract: Contract, now: dt.datetime) -> None:
    ensure_rules(contract, now=now)


def document(on: dt.date, code: str = "pickup-notice") -> str:
    found = answer(bring_rows(on, ["card_pickup"]), Visitor("card_pickup", Who.SELF, 40), on)
    return next((line.row.text("ja")[0] for line in found.documents if line.row.code == code), "")


def reworded(code: str, text: str, **texts: str) -> RuleValues:
    rule = BringRule.objects.filter(code=code).order_by("-valid_from")[0]
    values = values_of(rule.row)
    return RuleValues(**{**values.__dict__, "texts": {**values.texts, "ja": text, **texts}})


def test_the_shipped_table_is_there_once(contract: Contract, now: dt.datetime) -> None:
    assert BringRule.objects.count() == len(shipped_rows())
    assert ensure_rules(contract, now=now) == 0
    assert [rule.row for rule in BringRule.objects.all()] == [
        row.__class__(**{**row.__dict__, "position": row.position * 10, "valid_from": BEGINNING})
        for row in shipped_rows()
    ]


@pytest.mark.req("BOOK-12")
def test_an_edit_changes_the_answer_from_its_day_on_only(contract: Contract, official: Actor, now: dt.datetime) -> None:
    starts = now.date() + 29 * DAY
    before = document(now.date())
    change_rule(contract, "pickup-notice", reworded("pickup-notice", "新しいはがき"), starts=starts, by=official, now=now)
    for days in range(60):
        day = now.date() + days * DAY
        assert document(day) == ("新しいはがき" if day >= starts else before)
    assert document(now.date() - 300 * DAY) == before


def test_a_second_edit_from_the_same_day_replaces_the_first(contract: Contract, official: Actor, now: dt.datetime) -> None:
    starts = now.date() + DAY
    for text in ("一つ目", "二つ目"):
        change_rule(contract, "pickup-notice", reworded("pickup-notice", text), starts=starts, by=official, now=now)
    assert BringRule.objects.filter(code="pickup-notice").count() == 2
    assert document(starts) == "二つ目"


def test_an_edit_before_a_planned_one_ends_where_that_begins(contract: Contract, official: Actor, now: dt.datetime) -> None:
    late, soon = now.date() + 30 * DAY, now.date() + 10 * DAY
    change_rule(contract, "pickup-notice", reworded("pickup-notice", "後"), starts=late, by=official, now=now)
    change_rule(contract, "pickup-notice", reworded("pickup-notice", "先"), starts=soon, by=official, now=now)
    assert [document(d) for d in (soon - DAY, soon, late - DAY, late)][1:] == ["先", "先", "後"]


def test_the_past_cannot_be_changed(contract: Contract, official: Actor, now: dt.datetime) -> None:
    with pytest.raises(RuleRefused, match="過ぎた日"):
        change_rule(
            contract, "pickup-notice", reworded("pickup-notice", "x"), starts=now.date() - DAY, by=official, now=now
        )


def test_nothing_changed_is_said(contract: Contract, official: Actor, now: dt.datetime) -> None:
    same = values_of(BringRule.objects.get(code="pickup-notice").row)
    with pytest.raises(RuleRefused, match="何も変わっていません"):
        change_rule(contract, "pickup-notice", same, starts=now.date(), by=official, now=now)


def test_a_new_japanese_wording_drops_translations_that_were_not_renewed(
    contract: Contract, official: Actor, now: dt.datetime
) -> None:
    """An old translation of a new rule would be wrong: readers get the Japanese text instead."""
    values = reworded("pickup-notice", "黄色い封筒", en="The yellow envelope")
    change_rule(contract, "pickup-notice", values, starts=now.date(), by=official, now=now)
    rule = BringRule.objects.get(code="pickup-notice", valid_to=None)
    assert rule.texts == {"ja": "黄色い封筒", "en": "The yellow envelope"}
    assert rule.row.text("ko") == ("The yellow envelope", "en")
    assert rule.row.text("ja-easy") == ("黄色い封筒", "ja")


@pytest.mark.req("BOOK-12")
def test_a_row_of_the_city_and_its_end(contract: Contract, official: Actor, now: dt.datetime) -> None:
    starts, last = now.date() + 5 * DAY, now.date() + 9 * DAY
    values = RuleValues(Kind.DOCUMENT, "card_pickup", {"ja": "市の引換券"}, "市の要綱3条")
    made = add_rule(contract, values, starts=starts, by=official, now=now)
    end_rule(contract, made.code, last=last, by=official, now=now)
    shown = [bool(document(now.date() + n * DAY, made.code)) for n in range(12)]
    assert [n for n, there in enumerate(shown) if there] == [5, 6, 7, 8, 9]
    assert add_rule(contract, values, starts=starts, by=official, now=now).code == "city-2"


def test_ending_withdraws_what_was_to_come(contract: Contract, official: Actor, now: dt.datetime) -> None:
    change_rule(
        contract, "pickup-notice", reworded("pickup-notice", "後"), starts=now.date() + 30 * DAY, by=official, now=now
    )
    end_rule(contract, "pickup-notice", last=now.date() + 3 * DAY, by=official, now=now)
    assert document(now.date() + 3 * DAY)
    assert not document(now.date() + 4 * DAY)
    assert not document(now.date() + 40 * DAY)


@pytest.mark.req("BOOK-12")
def test_confirming_counts_for_the_version_that_was_seen(contract: Contract, official: Actor, now: dt.datetime) -> None:
    seen = {"pickup-notice": BEGINNING, "pickup-id": BEGINNING}
    change_rule(contract, "pickup-id", reworded("pickup-id", "別の文面"), starts=now.date(), by=official, now=now)
    assert confirm_rules(contract, seen, on=now.date(), by=official, now=now) == 1
    assert BringRule.objects.get(code="pickup-notice").confirmed_by == official.label
    assert not BringRule.objects.filter(code="pickup-id", confirmed_at__isnull=False).exists()


def test_a_change_must_be_confirmed_again(contract: Contract, official: Actor, now: dt.datetime) -> None:
    confirm_rules(contract, {"pickup-notice": BEGINNING}, on=now.date(), by=official, now=now)
    change_rule(
        contract, "pickup-notice", reworded("pickup-notice", "変更"), starts=now.date() + DAY, by=official, now=now
    )
    assert [r.confirmed for r in BringRule.objects.filter(code="pickup-notice")] == [True, False]


def test_untouched_rows_follow_the_shipped_wording(contract: Contract, official: Actor, now: dt.datetime) -> None:
    BringRule.objects.filter(code="pickup-late").update(texts={"ja": "古い文面"})
    BringRule.objects.filter(code="pickup-notice").update(texts={"ja": "市の文面"}, edited_by="市 太郎")
    BringRule.objects.filter(code="pickup-id").update(texts={"ja": "確認した文面"}, confirmed_at=now)
    assert ensure_rules(contract, now=now) == 1
    texts = {rule.code: rule.texts["ja"] for rule in BringRule.objects.all()}
    assert texts["pickup-late"] != "古い文面"
    assert (texts["pickup-notice"], texts["pickup-id"]) == ("市の文面", "確認した文面")


def test_the_database_refuses_two_versions_for_a_day(contract: Contract, now: dt.datetime) -> None:
    twin = BringRule.objects.get(code="pickup-notice")
    twin.pk, twin.valid_from = None, now.date()
    with pytest.raises(IntegrityError, match="bring_rule_versions"), transaction.atomic():
        twin.save(force_insert=True)


@pytest.mark.req("BOOK-09")
def test_every_deed_is_in_the_log(contract: Contract, official: Actor, now: dt.datetime) -> None:
    change_rule(contract, "pickup-notice", reworded("pickup-notice", "変更"), starts=now.date(), by=official, now=now)
    made = add_rule(contract, RuleValues(Kind.STEP, "", {"ja": "番号札を取る"}, ""), starts=now.date(), by=official, now=now)
    confirm_rules(contract, {made.code: now.date()}, on=now.date(), by=official, now=now)
    end_rule(contract, made.code, last=now.date() + DAY, by=official, now=now)
    actions = list(Entry.objects.order_by("seq").values_list("action", flat=True))
    assert actions[-4:] == ["bring.changed", "bring.added", "bring.confirmed", "bring.ended"]
