"""The shipped wording of procedures: complete, parallel in every language, asking for nothing nobody may ask for."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest

from madoguchi.domain.procedures.models import ProcedureText
from madoguchi.domain.procedures.queries import shown_procedures
from madoguchi.domain.procedures.services import SHIPPED, ensure_procedures, shipped_texts
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.profile.booking import STANDARD_PROCEDURES
from madoguchi.ground.contracts.profile.values import LANGUAGES
from madoguchi.ground.contracts.tenancy import contract_scope

CASES = [(language, code) for language in LANGUAGES for code in STANDARD_PROCEDURES]
WIDE = ("ja", "ja-easy", "zh-hans", "ko")
"""Languages whose characters carry about twice as much as Latin letters."""


def text_of(language: str, code: str) -> dict[str, Any]:
    return shipped_texts(language)[code]


def test_there_is_one_file_per_language() -> None:
    assert {path.stem for path in SHIPPED.glob("*.toml")} == set(LANGUAGES)


@pytest.mark.req("BOOK-01", "BOOK-12")
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_procedure_in_the_standard_order(language: str) -> None:
    assert list(shipped_texts(language)) == list(STANDARD_PROCEDURES)


@pytest.mark.req("BOOK-12")
@pytest.mark.parametrize(("language", "code"), CASES)
def test_texts_are_parallel_to_the_japanese(language: str, code: str) -> None:
    text = text_of(language, code)
    assert list(text) == ["name", "summary", "bring", "notes"]
    assert len(text["bring"]) == len(text_of("ja", code)["bring"])
    assert len(text["notes"]) == len(text_of("ja", code)["notes"])


@pytest.mark.parametrize(("language", "code"), CASES)
def test_lines_fit_their_columns_and_a_phone(language: str, code: str) -> None:
    text = text_of(language, code)
    assert 1 <= len(text["name"]) <= (45 if language in WIDE else 90)
    assert 10 <= len(text["summary"]) <= (130 if language in WIDE else 300)
    for line in [*text["bring"], *text["notes"]]:
        assert 1 <= len(line) <= (140 if language in WIDE else 300)
        assert line == line.strip()
        assert "\n" not in line


@pytest.mark.parametrize("code", STANDARD_PROCEDURES)
def test_the_japanese_name_is_the_legal_name(code: str) -> None:
    assert text_of("ja", code)["name"] == STANDARD_PROCEDURES[code]


@pytest.mark.parametrize("language", LANGUAGES)
def test_names_are_all_different(language: str) -> None:
    names = [text["name"] for text in shipped_texts(language).values()]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_three_procedures_people_mix_up_name_the_paper_that_tells_them_apart(language: str) -> None:
    """The postcard is for picking up; two letters with nearly the same title tell certificates from cards."""
    bring = {code: "\n".join(text_of(language, code)["bring"]) for code in STANDARD_PROCEDURES}
    assert "交付通知書" in bring["card_pickup"]
    assert "電子証明書の有効期限通知書" in bring["cert_renewal"]
    assert "カード・電子証明書" not in bring["cert_renewal"]
    assert "マイナンバーカード・電子証明書の有効期限通知書" in bring["card_renewal"]
    for code in ("cert_renewal", "card_renewal"):
        assert "交付通知書" not in bring[code]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_two_renewals_point_at_each_other_by_name(language: str) -> None:
    certificate, card = text_of(language, "cert_renewal"), text_of(language, "card_renewal")
    if language == "ja-easy":
        assert "期限が 近い カードを 新しく 申しこむ" in "".join(certificate["notes"])
        assert "カードの 中の 電子証明書を 新しくする" in "".join(card["notes"])
        return
    assert any(card["name"] in note for note in certificate["notes"])
    assert any(certificate["name"] in note for note in card["notes"])
    assert any(text_of(language, "card_pickup")["name"] in note for note in card["notes"])


@pytest.mark.parametrize(("language", "code"), CASES)
def test_numbers_are_those_of_the_japanese_text(language: str, code: str) -> None:
    """Days, months, ages, millimetres and the telephone line must not change on the way into another language."""

    def numbers(line: str) -> list[str]:
        found = re.findall(r"\d+", line.translate(str.maketrans("０１２３４５６７８９", "0123456789")))
        return sorted(n for n in found if int(n) > 2)

    for part in ("bring", "notes"):
        for said, japanese in zip(text_of(language, code)[part], text_of("ja", code)[part], strict=True):
            assert numbers(said) == numbers(japanese), said


@pytest.mark.req("SEC-04")
@pytest.mark.parametrize(("language", "code"), CASES)
def test_nobody_is_asked_to_bring_a_pin_or_the_individual_number(language: str, code: str) -> None:
    bring = "\n".join(text_of(language, code)["bring"])
    for asked in ("個人番号（", "暗証番号を書", "暗証番号のメモ", "暗証番号を控え"):
        assert asked not in bring
    everything = bring + "".join(text_of(language, code)["notes"]) + text_of(language, code)["summary"]
    assert not re.search(r"(?<![\d-])\d{12}(?!\d)", everything)


def test_texts_become_rows_once_and_keep_what_the_city_wrote(contract: Contract, now: dt.datetime) -> None:
    ensure_procedures(contract, now=now)
    with contract_scope(contract):
        made = ProcedureText.objects.count()
        assert made == len(contract.profile.procedures) * len(contract.profile.languages)
        text = ProcedureText.objects.get(procedure__code="card_pickup", language="ja")
        text.bring = "はがき"
        text.save()
    ensure_procedures(contract, now=now)
    with contract_scope(contract):
        assert ProcedureText.objects.count() == made
        shown = shown_procedures("ja", ["card_pickup"])[0]
        assert shown.bring == ("はがき",)
        assert not shown.confirmed
        assert not shown.needs_legal_name
        assert shown_procedures("en", ["card_pickup"])[0].needs_legal_name
