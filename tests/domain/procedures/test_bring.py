"""What to bring: the rules over any table, and the shipped table row by row."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madoguchi.domain.procedures.briefing import brief
from madoguchi.domain.procedures.enums import Kind, Situation, Who
from madoguchi.domain.procedures.rules.bring import Answer, Row, Visitor, answer, overlaps, situations_asked
from madoguchi.domain.procedures.shipped import LANGUAGES, shipped_rows
from madoguchi.ground.contracts.profile import values
from madoguchi.ground.contracts.profile.booking import STANDARD_PROCEDURES

DAY = dt.date(2026, 11, 2)
SITUATIONS = st.sets(st.sampled_from(list(Situation)), max_size=4).map(frozenset)
VISITORS = st.builds(
    lambda procedure, who, age, yes, no: Visitor(procedure, who, age, yes, no - yes),
    st.sampled_from(list(STANDARD_PROCEDURES)),
    st.sampled_from(list(Who)),
    st.none() | st.integers(0, 110),
    SITUATIONS,
    SITUATIONS,
)


def found(procedure: str, who: Who = Who.SELF, age: int | None = 40, *yes: Situation) -> Answer:
    return answer(shipped_rows(), Visitor(procedure, who, age, frozenset(yes), frozenset(Situation) - set(yes)), DAY)


def codes(lines: object) -> list[str]:
    return [line.row.code for line in lines]  # type: ignore[attr-defined]


@pytest.mark.req("BOOK-12")
@given(VISITORS)
def test_no_combination_is_silent(visitor: Visitor) -> None:
    """Whoever comes for whatever, at any age, in any situation: there is a document to bring, or a word whom to ask."""
    assert not answer(shipped_rows(), visitor, DAY).silent


@pytest.mark.req("BOOK-12")
def test_every_combination_of_the_matrix_is_answered() -> None:
    """Procedure × who × age, with every single situation and every pair of them."""
    singles = [frozenset[Situation](), *(frozenset({one}) for one in Situation)]
    pairs = [frozenset({a, b}) for a in Situation for b in Situation if a < b]
    for procedure in STANDARD_PROCEDURES:
        for who in Who:
            for age in (None, 0, 1, 14, 15, 17, 18, 75, 100):
                for yes in [*singles, *pairs]:
                    visitor = Visitor(procedure, who, age, yes, frozenset(Situation) - yes)
                    assert not answer(shipped_rows(), visitor, DAY).silent, visitor


@pytest.mark.req("BOOK-12")
@given(VISITORS)
def test_learning_more_never_adds_a_line_nor_a_condition(visitor: Visitor) -> None:
    """What is shown with a condition is all that could come: an answer to it drops lines or conditions."""
    unknown = answer(shipped_rows(), replace(visitor, no=frozenset()), DAY)
    known = answer(shipped_rows(), replace(visitor, no=frozenset(Situation) - visitor.yes), DAY)
    assert set(codes(known.lines)) <= set(codes(unknown.lines))
    assert not [line for line in known.lines if any(c.situation for c in line.conditions)]


@given(VISITORS)
def test_no_line_stands_twice(visitor: Visitor) -> None:
    lines = codes(answer(shipped_rows(), visitor, DAY).lines)
    assert len(lines) == len(set(lines))


@pytest.mark.req("BOOK-12")
def test_pickup_by_oneself() -> None:
    bring = found("card_pickup")
    assert codes(bring.documents) == [
        "pickup-notice", "pickup-id", "pickup-notification-card", "pickup-juki-card", "pickup-old-card",
    ]  # fmt: skip
    assert codes(bring.steps) == ["pickup-pins"]
    assert codes(bring.references) == ["originals", "list-a", "list-b"]


@pytest.mark.req("BOOK-12")
def test_a_child_comes_with_a_parent_even_when_nobody_said_so() -> None:
    alone = found("card_pickup", Who.SELF, 14)
    both = found("card_pickup", Who.LEGAL, 14)
    assert codes(alone.documents) == codes(both.documents)
    assert "pickup-parent-id" in codes(alone.documents)
    assert codes(alone.warnings)[0] == "minor-with-parent"
    assert "minor-with-parent" not in codes(found("card_pickup", Who.SELF, 15).warnings)


def test_an_adult_ward_proves_the_guardian_by_the_register() -> None:
    bring = found("card_pickup", Who.SELF, 60, Situation.ADULT_WARD)
    assert "pickup-proof-ward" in codes(bring.documents)
    assert "pickup-proof-child" not in codes(bring.documents)


@pytest.mark.req("BOOK-12")
def test_a_forgotten_pin_makes_a_renewal_need_one_more_document() -> None:
    assert "cert-more-id" not in codes(found("cert_renewal").documents)
    bring = found("cert_renewal", Who.SELF, 40, Situation.PIN_UNKNOWN)
    assert "cert-more-id" in codes(bring.documents)
    assert "cert-pin-reset-too" in codes(bring.warnings)
    assert "cert-pins" not in codes(bring.steps)


@pytest.mark.req("BOOK-12")
@pytest.mark.parametrize(
    ("yes", "visits"),
    [
        ([Situation.INQUIRY_FORM], 1),
        ([], 2),
        ([Situation.INQUIRY_FORM, Situation.EXPIRED], 2),
        ([Situation.INQUIRY_FORM, Situation.PIN_UNKNOWN], 2),
        ([Situation.INQUIRY_FORM, Situation.PIN_UNKNOWN, Situation.EXPIRED], 2),
    ],
)
def test_a_proxy_renews_in_one_visit_only_with_the_sealed_form(yes: list[Situation], visits: int) -> None:
    steps = codes(found("cert_renewal", Who.PROXY, 40, *yes).steps)
    assert ("cert-one-visit" in steps) is (visits == 1)
    assert len([code for code in steps if code.startswith("cert-two-visits")]) == visits - 1


@pytest.mark.req("BOOK-12")
@pytest.mark.parametrize("procedure", ["card_pickup", "cert_renewal", "pin_reset", "health_insurance", "mynaportal"])
def test_the_face_authentication_card_has_no_pin(procedure: str) -> None:
    """Nobody with such a card is told to choose, remember or type a PIN."""
    for who in (Who.SELF, Who.LEGAL):
        age = 10 if who is Who.LEGAL else 40
        bring = found(procedure, who, age, Situation.FACE_AUTH)
        assert not [code for code in codes(bring.steps) if "pin" in code]


def test_a_baby_needs_no_photo() -> None:
    assert "apply-photo" not in codes(found("card_application", Who.LEGAL, 0).documents)
    assert "apply-no-photo" in codes(found("card_application", Who.LEGAL, 0).warnings)
    assert "apply-photo" in codes(found("card_application", Who.LEGAL, 1).documents)


def test_a_lost_card_is_stopped_by_phone_first() -> None:
    assert codes(found("card_application", Who.SELF, 40, Situation.LOST).steps)[0] == "apply-stop-first"


def test_what_is_not_known_is_shown_with_its_condition() -> None:
    bring = answer(shipped_rows(), Visitor("cert_renewal"), DAY)
    more = next(line for line in bring.documents if line.row.code == "cert-more-id")
    assert [c.situation for c in more.conditions] == [Situation.PIN_UNKNOWN]
    minor = next(line for line in bring.warnings if line.row.code == "minor-with-parent")
    assert minor.conditions[0].ages == (0, 14)


def test_a_table_that_says_nothing_is_silent() -> None:
    assert answer([], Visitor("card_pickup"), DAY).silent
    assert answer(shipped_rows(), Visitor("x_of_the_city"), DAY).silent
    only_if = Row("a", Kind.DOCUMENT, when=frozenset({Situation.LOST}))
    assert answer([only_if], Visitor("card_pickup"), DAY).silent, "a line that counts for few is no answer for all"


@pytest.mark.req("BOOK-12")
def test_a_version_counts_from_its_first_to_its_last_day() -> None:
    old = Row("a", Kind.DOCUMENT, texts=(("ja", "old"),), valid_to=dt.date(2026, 11, 30))
    new = replace(old, texts=(("ja", "new"),), valid_from=dt.date(2026, 12, 1), valid_to=None)
    for day, text in ((dt.date(2026, 11, 30), "old"), (dt.date(2026, 12, 1), "new")):
        documents = answer([old, new], Visitor("card_pickup"), day).documents
        assert [line.row.text("ja")[0] for line in documents] == [text]
    assert overlaps([old, new]) == []
    assert overlaps([old, replace(new, valid_from=dt.date(2026, 11, 30))]) != []


def test_only_questions_that_change_the_answer_are_asked() -> None:
    asked = situations_asked(shipped_rows(), "card_pickup", Who.SELF, DAY)
    assert Situation.FACE_AUTH in asked
    assert Situation.INQUIRY_FORM not in asked
    assert Situation.INQUIRY_FORM in situations_asked(shipped_rows(), "cert_renewal", Who.PROXY, DAY)


@pytest.mark.req("BOOK-12")
@given(VISITORS, st.sampled_from(list(Situation)))
def test_a_question_that_is_not_asked_changes_nothing(visitor: Visitor, one: Situation) -> None:
    if one in situations_asked(shipped_rows(), visitor.procedure, None, DAY):
        return
    without = replace(visitor, yes=visitor.yes - {one}, no=visitor.no | {one})
    having = replace(visitor, yes=visitor.yes | {one}, no=visitor.no - {one})
    assert answer(shipped_rows(), without, DAY) == answer(shipped_rows(), having, DAY)


@pytest.mark.req("BOOK-12")
def test_every_row_has_a_source_and_words_in_every_language() -> None:
    assert set(LANGUAGES) == set(values.LANGUAGES)
    for row in shipped_rows():
        assert row.source, row.code
        assert set(dict(row.texts)) == set(LANGUAGES), row.code
        assert not row.confirmed, "only the city of a contract confirms"


WIDE = ("ja", "ja-easy", "zh-hans", "ko")
"""Languages whose characters carry about twice as much as Latin letters."""
WORDINGS = sorted({row.texts for row in shipped_rows()})


@pytest.mark.req("BOOK-12")
@pytest.mark.parametrize("language", LANGUAGES)
def test_numbers_are_those_of_the_japanese_text(language: str) -> None:
    """Days, months, ages, fees, millimetres and the telephone line must not change on the way into another language."""

    def numbers(line: str) -> list[str]:
        plain = line.translate(str.maketrans("０１２３４５６７８９", "0123456789"))
        plain = re.sub(r"(?<=\d)[,.](?=\d{3}(?!\d))", "", plain)
        return sorted(n for n in re.findall(r"\d+", plain) if int(n) > 3)

    for texts in WORDINGS:
        said = dict(texts)
        if "年4月1日" in said["ja"]:
            continue  # months are words elsewhere
        assert numbers(said[language]) == numbers(said["ja"]), said[language]


@pytest.mark.parametrize("language", LANGUAGES)
def test_lines_fit_a_phone(language: str) -> None:
    for texts in WORDINGS:
        line = dict(texts)[language]
        assert 3 <= len(line) <= (260 if language in WIDE else 480), line
        assert line == line.strip() and "\n" not in line


@pytest.mark.req("SEC-04")
@pytest.mark.parametrize("language", LANGUAGES)
def test_nobody_is_asked_to_bring_a_pin_or_the_individual_number(language: str) -> None:
    for row in shipped_rows():
        text = row.text(language)[0]
        for asked in ("個人番号（", "暗証番号を書いた", "暗証番号のメモ", "暗証番号を控え"):
            assert asked not in text
        assert not re.search(r"(?<![\d-])\d{12}(?!\d)", text)


@pytest.mark.parametrize("language", [one for one in LANGUAGES if one != "ja-easy"])
def test_papers_that_tell_procedures_apart_keep_their_japanese_name(language: str) -> None:
    """The postcard is for picking up; two letters with nearly the same title tell certificates from cards."""
    text = {row.code: row.text(language)[0] for row in shipped_rows()}
    assert "交付通知書" in text["pickup-notice"]
    assert "有効期限通知書" in text["cert-notice"]
    assert "マイナンバーカード・電子証明書の有効期限通知書" in text["renew-notice"]
    assert "電子証明書の有効期限通知書" in text["renew-two-letters"]
    assert "交付通知書" not in text["cert-notice"] + text["renew-notice"]
    assert "照会書兼回答書" in text["cert-inquiry-form"]


def test_overlapping_versions_are_found_in_any_order() -> None:
    one = Row("a", Kind.STEP, valid_to=dt.date(2026, 5, 1))
    two = Row("a", Kind.STEP, valid_from=dt.date(2026, 4, 1))
    assert overlaps([two, one]) == [(one, two)]


def test_what_counts_for_the_same_people_stands_together() -> None:
    shown = [item.only_for for item in brief(shipped_rows(), Visitor("card_pickup"), DAY, "ja").perhaps]
    assert len({one for n, one in enumerate(shown) if n == 0 or shown[n - 1] != one}) == len(set(shown))
    assert [n for n in range(1, len(shown)) if shown[n] != shown[n - 1] and shown[n] in shown[:n]] == []
