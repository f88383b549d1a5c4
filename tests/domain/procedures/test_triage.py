"""Which procedure is yours: every path ends, every word is there in every language, every contract has an answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from madoguchi.domain.procedures.rules.triage import Outcome, Question, Tree
from madoguchi.domain.procedures.shipped import LANGUAGES, shipped_rows, triage_text, triage_tree
from madoguchi.ground.contracts.profile import load_profile
from madoguchi.ground.contracts.profile.booking import STANDARD_PROCEDURES

PROFILES = sorted((Path(__file__).parents[3] / "profiles").glob("*.toml"))


@pytest.mark.req("BOOK-12")
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_question_option_and_outcome_has_words(language: str) -> None:
    tree = triage_tree()
    shown = [triage_text("question", code, language) for code in tree.questions]
    shown += [triage_text("option", f"{q.code}-{o}", language) for q in tree.questions.values() for o, _ in q.options]
    shown += [triage_text("text", key, language) for o in tree.outcomes.values() for key in o.first]
    shown += [triage_text("text", o.elsewhere, language) for o in tree.outcomes.values() if o.elsewhere]
    assert all(shown)
    japanese = [triage_text("question", code, "ja") for code in tree.questions]
    if not language.startswith("ja"):
        assert not set(shown) & set(japanese), "a question stands in Japanese"


@pytest.mark.req("BOOK-01")
@pytest.mark.parametrize("path", PROFILES, ids=lambda p: p.stem)
def test_outcomes_are_known_procedures_and_the_last_resort_is_offered(path: Path) -> None:
    profile = load_profile(path)
    offered = {procedure.code for procedure in profile.procedures}
    for outcome in triage_tree().outcomes.values():
        assert set(outcome.procedures) <= set(STANDARD_PROCEDURES)
        if "other" in offered:
            assert outcome.procedure(offered) in offered | {""}


def test_situations_of_an_outcome_change_what_to_bring() -> None:
    for outcome in triage_tree().outcomes.values():
        for code in outcome.procedures[:1]:
            known = {s for row in shipped_rows() if row.procedure in ("", code) for s in row.when | row.unless}
            assert set(outcome.situations) <= known, outcome.code


def test_two_renewals_are_told_apart_by_the_title_of_the_letter() -> None:
    options = dict(triage_tree().questions["letter"].options)
    outcomes = triage_tree().outcomes
    assert outcomes[options["cert"]].procedures[0] == "cert_renewal"
    assert outcomes[options["both"]].procedures[0] == "card_renewal"


@pytest.mark.parametrize(
    ("questions", "outcomes", "complaint"),
    [
        ({"a": Question("a", (("x", "b"),))}, {}, "neither question nor outcome"),
        ({"a": Question("a", (("x", "a"),))}, {}, "leads to itself"),
        ({"a": Question("a", (("x", "b"),))}, {"b": Outcome("b")}, "needs procedures or elsewhere"),
        ({"a": Question("a", ())}, {"b": Outcome("b", elsewhere="t")}, "nothing leads to it"),
        ({}, {}, "is no question"),
    ],
)
def test_a_wrong_tree_is_refused_with_its_place(
    questions: dict[str, Question], outcomes: dict[str, Outcome], complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        Tree("a", questions, outcomes)
