"""The shipped names and explanations of procedures: complete and parallel in every language."""

from __future__ import annotations

import datetime as dt
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
    assert list(text) == ["name", "summary"]


@pytest.mark.parametrize(("language", "code"), CASES)
def test_lines_fit_their_columns_and_a_phone(language: str, code: str) -> None:
    text = text_of(language, code)
    assert 1 <= len(text["name"]) <= (45 if language in WIDE else 90)
    assert 10 <= len(text["summary"]) <= (130 if language in WIDE else 300)


@pytest.mark.parametrize("code", STANDARD_PROCEDURES)
def test_the_japanese_name_is_the_legal_name(code: str) -> None:
    assert text_of("ja", code)["name"] == STANDARD_PROCEDURES[code]


@pytest.mark.parametrize("language", LANGUAGES)
def test_names_are_all_different(language: str) -> None:
    names = [text["name"] for text in shipped_texts(language).values()]
    assert len(set(names)) == len(names)


def test_texts_become_rows_once_and_keep_what_the_city_wrote(contract: Contract, now: dt.datetime) -> None:
    ensure_procedures(contract, now=now)
    with contract_scope(contract):
        made = ProcedureText.objects.count()
        assert made == len(contract.profile.procedures) * len(contract.profile.languages)
        text = ProcedureText.objects.get(procedure__code="card_pickup", language="ja")
        text.summary = "市の説明"
        text.save()
    ensure_procedures(contract, now=now)
    with contract_scope(contract):
        assert ProcedureText.objects.count() == made
        shown = shown_procedures("ja", ["card_pickup"])[0]
        assert shown.summary == "市の説明"
        assert not shown.confirmed
        assert not shown.needs_legal_name
        assert shown_procedures("en", ["card_pickup"])[0].needs_legal_name
