"""What people type: cleaned, checked, with sentences that say what to do; nothing typed is lost; no individual number."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from madoguchi.domain.booking.party import Contact, Person, clean_contact, clean_person, fields_of, person_index
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.profile import Profile
from madoguchi.ground.contracts.profile.booking import FieldRule
from madoguchi.ground.privacy.sealing import keyring

TODAY = dt.date(2026, 11, 2)


@pytest.fixture
def profile(contract: Contract) -> Profile:
    """廿日市市 asking for every field there is, the notice number for pick-ups only."""
    codes = ("name", "kana", "birth_date", "notice_number", "phone", "email", "postal_code", "address", "needs", "memo")
    rules = tuple(
        FieldRule(
            code=code,
            required=code in ("name", "kana", "phone"),
            procedures=("card_pickup",) if code == "notice_number" else (),
        )
        for code in codes
    )
    booking = contract.profile.booking.model_copy(update={"fields": rules})
    return contract.profile.model_copy(update={"booking": booking})


@pytest.mark.parametrize(
    ("field", "typed", "kept"),
    [
        ("name", "　山田　太郎 ", "山田　太郎"),
        ("name", "葛\U000e0100城", "葛\U000e0100城"),
        ("kana", "やまだ たろう", "ヤマダ　タロウ"),
        ("kana", "ﾔﾏﾀﾞ", "ヤマダ"),
        ("kana", "NGUYEN  THI MINH KHAI", "NGUYEN THI MINH KHAI"),
        ("kana", "ＮＧＵＹＥＮ　ＴＨＩ", "NGUYEN THI"),
        ("kana", "José D'Ávila-Souza Jr.", "José D'Ávila-Souza Jr."),
        ("birth_date", "昭和55年1月2日", "1980-01-02"),
        ("birth_date", "1980/1/2", "1980-01-02"),
        ("notice_number", "ａ１ｂ１２３４５６", "A1B-123456"),
    ],
)
def test_a_person_is_cleaned(profile: Profile, field: str, typed: str, kept: str) -> None:
    data = {"name": "山田", "kana": "ヤマダ", field: typed}
    cleaned = clean_person(profile, "card_pickup", data, today=TODAY)
    assert cleaned.errors == {}
    assert cleaned.values[field] == kept


@pytest.mark.parametrize(
    ("field", "typed", "kept"),
    [
        ("phone", "０９０ー１２３４ー５６７８", "09012345678"),
        ("email", "ｔａｒｏ＠example.jp", "taro@example.jp"),
        ("postal_code", "〒738-8501", "738-8501"),
        ("postal_code", "７３８８５０１", "738-8501"),
        ("needs", "車いす", "車いす"),
    ],
)
def test_a_contact_is_cleaned(profile: Profile, field: str, typed: str, kept: str) -> None:
    cleaned = clean_contact(profile, ["card_pickup"], {"phone": "090-1234-5678", field: typed}, today=TODAY)
    assert cleaned.errors == {}
    assert cleaned.values[field] == kept


@pytest.mark.parametrize(
    ("field", "typed", "word"),
    [
        ("name", "", "入力してください"),
        ("name", "　", "入力してください"),
        ("name", "山" * 121, "120文字以内"),
        ("kana", "123", "ひらがな・カタカナ"),
        ("kana", "山田 Taro", "ひらがな・カタカナ"),
        ("kana", "山田", "ひらがな・カタカナ"),
        ("birth_date", "2027-01-01", "先の日付"),
        ("birth_date", "きのう", ""),
        ("notice_number", "12", "英数字3桁"),
    ],
)
def test_a_wrong_person_says_what_to_do_and_keeps_what_was_typed(
    profile: Profile, field: str, typed: str, word: str
) -> None:
    data = {"name": "山田", "kana": "ヤマダ", field: typed}
    cleaned = clean_person(profile, "card_pickup", data, today=TODAY)
    assert list(cleaned.errors) == [field]
    assert word in cleaned.errors[field]
    assert cleaned.values.get(field, "") == typed.strip(" 　")


@pytest.mark.parametrize(
    ("field", "typed"), [("phone", "12"), ("email", "taro"), ("email", "a@b"), ("postal_code", "12"), ("phone", "")]
)
def test_a_wrong_contact_keeps_what_was_typed(profile: Profile, field: str, typed: str) -> None:
    cleaned = clean_contact(profile, ["card_pickup"], {"phone": "090-1234-5678", field: typed}, today=TODAY)
    assert list(cleaned.errors) == [field]
    assert cleaned.values.get(field, "") == typed


@pytest.mark.req("SEC-04")
@pytest.mark.parametrize("number", ["123456789018", "1234-5678-9018", "１２３４ ５６７８ ９０１８"])
@pytest.mark.parametrize("field", ["name", "kana", "notice_number"])
def test_an_individual_number_is_refused_and_not_kept(profile: Profile, field: str, number: str) -> None:
    data = {"name": "山田", "kana": "ヤマダ", field: number}
    cleaned = clean_person(profile, "card_pickup", data, today=TODAY)
    assert field in cleaned.errors
    assert cleaned.values[field] == ""


def test_staff_may_leave_out_what_a_resident_could_not_tell_but_the_phone(profile: Profile) -> None:
    required = profile.booking.model_copy(
        update={"fields": tuple(f.model_copy(update={"required": True}) for f in profile.booking.fields)}
    )
    strict = profile.model_copy(update={"booking": required})
    assert list(clean_contact(strict, ["card_pickup"], {"phone": "0829309100"}, today=TODAY, by_staff=True).errors) == []
    assert list(clean_contact(strict, ["card_pickup"], {}, today=TODAY, by_staff=True).errors) == ["phone"]
    assert len(clean_contact(strict, ["card_pickup"], {}, today=TODAY).errors) == 6


def test_fields_belong_to_procedures(profile: Profile) -> None:
    assert ("notice_number", False) in fields_of(profile, ["card_pickup"], person=True)
    assert "notice_number" not in dict(fields_of(profile, ["pin_reset"], person=True))
    assert "notice_number" in dict(fields_of(profile, None, person=True))
    assert not {c for c, _ in fields_of(profile, None, person=True)} & {
        c for c, _ in fields_of(profile, None, person=False)
    }


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.dictionaries(
        st.sampled_from(["name", "kana", "birth_date", "notice_number", "phone", "email", "postal_code", "x"]),
        st.one_of(st.none(), st.text(max_size=120), st.integers(), st.booleans()),
    )
)
def test_no_input_breaks_the_cleaning(profile: Profile, data: dict[str, Any]) -> None:
    for cleaned in (
        clean_person(profile, "card_pickup", data, today=TODAY),
        clean_contact(profile, ["card_pickup"], data, today=TODAY),
    ):
        assert all(isinstance(value, str) for value in cleaned.values.values())
        assert all(message for message in cleaned.errors.values())
        again = {code: value for code, value in cleaned.values.items() if code not in cleaned.errors}
        assert set(again) <= set(data)


@pytest.mark.req("SEC-03")
def test_a_person_is_found_by_reading_and_birth_date_however_written(contract: Contract) -> None:
    ring = keyring(contract)
    stored = Person({"kana": "ヤマダ タロウ", "birth_date": "1980-01-02"}).index(ring)
    born = dt.date(1980, 1, 2)
    assert stored is not None and len(stored) == 16
    for typed in ("やまだ たろう", "ヤマダタロウ", "ﾔﾏﾀﾞ　ﾀﾛｳ"):
        assert person_index(ring, typed, born) == stored
    assert person_index(ring, "ヤマダ ジロウ", born) != stored
    assert person_index(ring, "ヤマダ タロウ", dt.date(1980, 1, 3)) != stored
    assert Person({"kana": "ヤマダ"}).index(ring) is None
    assert Person({"birth_date": "1980-01-02"}).index(ring) is None
    assert Contact({"email": "Taro@Example.jp"}).mail_index(ring) == Contact({"email": "taro@example.jp"}).mail_index(
        ring
    )
    assert Contact({}).mail_index(ring) is None and Contact({}).phone_index(ring) is None


@pytest.mark.req("SEC-03")
def test_indexes_of_two_contracts_differ(contracts: dict[str, Contract]) -> None:
    found = {Contact({"phone": "+819012345678"}).phone_index(keyring(contract)) for contract in contracts.values()}
    assert len(found) == 5
