"""What the answers say, for pages and papers. Inside ``contract_scope``."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.profile import SurveyQuestion
from madoguchi.ground.privacy.sealing import keyring

from .models import Answer, Comment
from .rules import LEAST, SCORES, Mean, Share, mean_score, shown_groups, wilson
from .services import WORDS

Row = tuple[dt.date, str, str, str, str, dict[str, int], dict[str, str]]
"""Day, way, site, procedure, language, scores, choices of an answer."""


@dataclass(frozen=True)
class Result:
    """What a question was answered: the mean of a score, the share of each answer with how many chose it. Empty while too few answered."""

    question: SurveyQuestion
    n: int
    mean: Mean | None
    shares: tuple[tuple[str, Share], ...]


@dataclass(frozen=True)
class Part:
    """The answers of one value (a procedure, a place, a month …): how many, the mean of each score. ``n`` is None where it may not be shown."""

    value: str
    n: int | None
    means: dict[str, Mean | None]


@dataclass(frozen=True)
class Remark:
    """A comment as people read it; ``text`` is None once erased."""

    pk: int
    day: dt.date
    question: str
    language: str
    text: str | None
    groups: tuple[str, ...]
    by_hand: bool


def answers(first: dt.date, last: dt.date) -> list[Row]:
    """The answers of a period."""
    fields = ("day", "way", "site", "procedure", "language", "scores", "choices")
    return list(Answer.objects.filter(day__gte=first, day__lte=last).values_list(*fields))


def results(questions: Iterable[SurveyQuestion], rows: Sequence[Row]) -> list[Result]:
    """Each question that is scored or chosen, in the order of the profile."""
    return [_result(one, rows) for one in questions if one.kind != "text"]


def _result(question: SurveyQuestion, rows: Sequence[Row]) -> Result:
    score = question.kind == "score"
    given = [found for row in rows if (found := (row[5] if score else row[6]).get(question.code)) is not None]
    n = len(given)
    if n < LEAST:
        return Result(question, n, None, ())
    counts = Counter(str(one) for one in given)
    order = [str(one) for one in reversed(SCORES)] if score else question.options
    shares = tuple((code, wilson(counts[code], n)) for code in order)
    return Result(question, n, mean_score(Counter(int(one) for one in given)) if score else None, shares)


def parts(questions: Iterable[SurveyQuestion], rows: Sequence[Row], key: Callable[[Row], str]) -> list[Part]:
    """The answers by a value, by its name. Of values too small to be shown, or that would follow by subtraction, nothing is said but that they are there."""
    scored = [one.code for one in questions if one.kind == "score"]
    split: dict[str, list[Row]] = {}
    for row in rows:
        split.setdefault(key(row), []).append(row)
    shown = shown_groups({value: len(found) for value, found in split.items()})
    return [
        Part(value, len(found), {code: mean_score(Counter(row[5][code] for row in found if code in row[5])) for code in scored})
        if value in shown
        else Part(value, None, dict.fromkeys(scored))
        for value, found in sorted(split.items())
    ]


def remarks(contract: Contract, first: dt.date, last: dt.date, group: str = "") -> list[Remark]:
    """The comments of a period, newest month first and in no order within it; ``group`` keeps those of one group, ``-`` those of none."""
    ring = keyring(contract)
    found = [
        Remark(
            one.pk, one.day, one.question, one.language, None if one.words is None else str(ring.unseal_json(WORDS, one.words)),
            tuple(one.groups), one.by_hand,
        )
        for one in Comment.objects.filter(day__gte=first, day__lte=last)
    ]  # fmt: skip
    kept = [one for one in found if not group or (group in one.groups if group != "-" else not one.groups)]
    return sorted(kept, key=lambda one: (-one.day.year, -one.day.month, one.pk))
