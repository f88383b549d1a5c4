"""A city's own questions: asked of whom they are for, answered in the form the profile demands, shown in words."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from madoguchi.domain.booking.answers import check_answer, show_answer
from madoguchi.domain.booking.party import Contact, clean_contact, clean_person, fields_of, missing_of_contact
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.profile import FieldRule, Profile
from madoguchi.ground.contracts.profile.fields import matcher
from tests.fields import OWN, asking

pytestmark = pytest.mark.req("BOOK-07")
TODAY = dt.date(2026, 11, 2)
RULES = {rule["code"]: FieldRule.model_validate(rule) for rule in OWN}


@pytest.fixture
def profile(contract: Contract) -> Profile:
    return asking(contract.profile, *OWN)


def asked(profile: Profile, *procedures: str) -> dict[str, bool]:
    return {c: r for c, r in fields_of(profile, procedures, person=False) if c.startswith("x_")}


def test_a_question_of_some_procedures_is_asked_when_anybody_of_the_party_has_one(profile: Profile) -> None:
    assert asked(profile, "card_pickup") == {"x_car": False, "x_people": False, "x_stay": False, "x_case": False}
    assert asked(profile, "card_pickup", "cert_renewal")["x_letter"] is True
    assert asked(profile, "card_pickup", "pin_reset")["x_people"] is True
    everything = fields_of(profile, None, person=False)
    assert {"x_letter", "x_people"} <= {code for code, _ in everything}
    assert not any(required for _, required in everything)


def test_a_person_may_have_to_answer_for_one_procedure_only(contract: Contract) -> None:
    profile = asking(contract.profile, {"code": "birth_date", "required_for": ["card_pickup"]})
    typed = {"name": "山田", "kana": "ヤマダ"}
    assert list(clean_person(profile, "card_pickup", typed, today=TODAY).errors) == ["birth_date"]
    assert clean_person(profile, "pin_reset", typed, today=TODAY).errors == {}


def test_what_is_missing_after_a_change_of_procedure(profile: Profile) -> None:
    contact = Contact({"phone": "09012345678"})
    assert missing_of_contact(profile, ["card_pickup"], contact) == []
    assert missing_of_contact(profile, ["card_pickup", "cert_renewal"], contact) == ["x_letter"]
    assert missing_of_contact(profile, ["cert_renewal"], Contact({**contact.values, "x_letter": "none"})) == []


@pytest.mark.parametrize(
    ("code", "typed", "kept"),
    [
        ("x_letter", "card", "card"),
        ("x_car", "no", "no"),
        ("x_people", "３", "3"),
        ("x_people", " 0 ", "0"),
        ("x_stay", "令和9年3月31日", "2027-03-31"),
        ("x_stay", "2026-11-02", "2026-11-02"),
        ("x_case", "AB1234", "AB1234"),
        ("x_case", "ＡＢ１２３４", "AB1234"),
    ],
)
def test_right_answers(profile: Profile, code: str, typed: str, kept: str) -> None:
    cleaned = clean_contact(profile, ["cert_renewal"], {"phone": "0829309100", "x_letter": "none", code: typed}, today=TODAY)
    assert cleaned.errors == {}
    assert cleaned.values[code] == kept


@pytest.mark.parametrize(
    ("code", "typed", "says"),
    [
        ("x_letter", "", "入力してください。"),
        ("x_letter", "other", "もう一度選んでください。"),
        ("x_car", "maybe", "もう一度選んでください。"),
        ("x_people", "二人", "数字で入力してください。"),
        ("x_people", "10", "9以下の数を入力してください。"),
        ("x_people", "-1", "0以上の数を入力してください。"),
        ("x_stay", "2026-11-01", "令和8年11月2日(月)以降の日付を入力してください。"),
        ("x_stay", "きのう", ""),
        ("x_case", "AB123", "英字2つと数字4つです。"),
        ("x_case", "AB1234567", "8文字以内で入力してください。いまは9文字です。"),
    ],
)
def test_wrong_answers_say_what_to_do_and_stay(profile: Profile, code: str, typed: str, says: str) -> None:
    typed_all = {"phone": "0829309100", "x_letter": "none", code: typed}
    cleaned = clean_contact(profile, ["cert_renewal"], typed_all, today=TODAY)
    assert list(cleaned.errors) == [code]
    assert says in cleaned.errors[code]
    assert cleaned.values.get(code, "") == typed


def test_the_city_s_words_are_in_the_reader_s_language_or_in_japanese() -> None:
    with translation.override("en"), pytest.raises(ValueError, match="Two letters and four digits"):
        check_answer(RULES["x_case"], "?", TODAY)
    with translation.override("vi"), pytest.raises(ValueError, match="英字2つ"):
        check_answer(RULES["x_case"], "?", TODAY)
    assert RULES["x_letter"].said_label("en") == ("Letter that you got", "en")
    assert RULES["x_letter"].said_label("vi") == ("届いた封書", "ja")
    with translation.override("en"):
        assert show_answer(RULES["x_letter"], "card", "en") == "About the card"
        assert show_answer(RULES["x_letter"], "none", "en") == "届いていない"
        assert show_answer(RULES["x_car"], "yes", "en") == "Yes"
    assert show_answer(RULES["x_stay"], "2027-03-31", "ja") == "令和9年3月31日(水)"
    assert show_answer(RULES["x_letter"], "gone", "ja") == "gone"
    assert show_answer(RULES["x_stay"], "no date any more", "ja") == "no date any more"


def test_a_standard_field_can_have_a_pattern_of_the_city(contract: Contract) -> None:
    rule: dict[str, Any] = {"code": "postal_code", "pattern": "738-\\d{4}", "message": "市内の郵便番号を入力してください。"}
    profile = asking(contract.profile, rule)
    told = {"phone": "0829309100"}
    inside = clean_contact(profile, ["pin_reset"], {**told, "postal_code": "〒7388501"}, today=TODAY)
    outside = clean_contact(profile, ["pin_reset"], {**told, "postal_code": "100-0001"}, today=TODAY)
    assert (inside.errors, inside.values["postal_code"]) == ({}, "738-8501")
    assert outside.errors == {"postal_code": "市内の郵便番号を入力してください。"}


@pytest.mark.parametrize("pattern", ["(a+)+b", "(a|a)*b", "(.*)*x", "^(([a-z])+.)+[A-Z]([a-z])+$"])
def test_patterns_that_stop_other_engines_take_no_time(pattern: str) -> None:
    matches = matcher(pattern)
    begun = time.perf_counter()
    assert not matches("a" * 399 + "!")
    assert time.perf_counter() - begun < 0.5


@pytest.mark.parametrize("pattern", ["(a)\\1", "(?=a)a", "(?<!a)b", "(", "a{1000}{1000}{1000}"])
def test_patterns_that_would_need_another_engine_are_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        matcher(pattern)


def test_a_pattern_must_match_the_whole_text() -> None:
    assert matcher("a|b")("a")
    assert not matcher("a|b")("ab")
    assert not matcher("a")("a\n")


@given(rule=st.sampled_from(sorted(RULES)), text=st.text(min_size=1, max_size=60))
def test_any_answer_is_kept_or_refused_with_a_sentence(rule: str, text: str) -> None:
    try:
        kept = check_answer(RULES[rule], text, TODAY)
    except ValueError as wrong:
        assert str(wrong)
    else:
        assert check_answer(RULES[rule], kept, TODAY) == kept
        assert show_answer(RULES[rule], kept, "ja")
