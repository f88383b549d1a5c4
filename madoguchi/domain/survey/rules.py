"""Statistics of answers, what is too few to be shown, and groups of free text. Pure.

Shares: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927) 209-212. Means: Student's t, its
quantile by the expansion 26.7.5 of Abramowitz and Stegun, "Handbook of Mathematical Functions" (1964), good to 0.001 from four degrees of
freedom on. Fewer answers are never shown.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

LEAST = 5
"""Figures of fewer answers are shown to nobody."""
Z = 1.959963984540054
"""97.5 % point of the normal distribution, for intervals of 95 %."""
SCORES = (1, 2, 3, 4, 5)


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a whole with its 95 % confidence interval, shares of 1."""

    count: int
    of: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """The share itself."""
        return self.count / self.of


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean score of ``n`` answers with its 95 % confidence interval, within the scale."""

    n: int
    value: float
    low: float
    high: float


def wilson(count: int, of: int) -> Share:
    """The share ``count`` of ``of`` with Wilson's interval. Raises ``ValueError`` unless 0 <= count <= of and of > 0."""
    if not 0 <= count <= of or of == 0:
        raise ValueError(f"{count} of {of} is no share")
    share = count / of
    below = 1 + Z * Z / of
    middle = (share + Z * Z / (2 * of)) / below
    half = Z * math.sqrt(share * (1 - share) / of + Z * Z / (4 * of * of)) / below
    return Share(count, of, 0.0 if count == 0 else max(0.0, middle - half), 1.0 if count == of else min(1.0, middle + half))


def t_quantile(freedom: int) -> float:
    """97.5 % point of Student's t with ``freedom`` >= 4 degrees of freedom. Raises ``ValueError`` for fewer."""
    if freedom < LEAST - 1:
        raise ValueError(f"no quantile for {freedom} degrees of freedom")
    z, n = Z, float(freedom)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum(term / n**power for power, term in enumerate(terms, 1))


def mean_score(counts: Mapping[int, int]) -> Mean | None:
    """The mean of scores (score → how many) with its interval; None for fewer than :data:`LEAST`."""
    n = sum(counts.values())
    if n < LEAST:
        return None
    mean = sum(score * count for score, count in counts.items()) / n
    variance = sum(count * (score - mean) ** 2 for score, count in counts.items()) / (n - 1)
    half = t_quantile(n - 1) * math.sqrt(variance / n)
    return Mean(n, mean, max(float(SCORES[0]), mean - half), min(float(SCORES[-1]), mean + half))


def shown_groups(counts: Mapping[str, int]) -> frozenset[str]:
    """Which groups of answers may be shown beside their total.

    Those with fewer than :data:`LEAST` may not; and while what is left out adds up to fewer, the next smallest is left out too, or else the
    rest would follow by subtraction.
    """
    ordered = sorted(((n, name) for name, n in counts.items() if n > 0), reverse=True)
    hidden = 0
    while ordered and (ordered[-1][0] < LEAST or 0 < hidden < LEAST):
        hidden += ordered.pop()[0]
    return frozenset(name for _, name in ordered)


def groups_of(text: str, groups: Iterable[tuple[str, Collection[str]]]) -> list[str]:
    """Codes of the groups (code, words) of which a word stands in a text; width and case of letters do not matter."""
    plain = _plain(text)
    return [code for code, words in groups if any(_plain(word) in plain for word in words)]


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
