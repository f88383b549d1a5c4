"""The 12-digit individual number (個人番号) is stored nowhere: it is recognised on arrival, refused, and never echoed.

Check digit: article 5 of 平成26年総務省令第85号 (the order under the Number Act). Weights of the first eleven digits
from the left are 6,5,4,3,2,7,6,5,4,3,2; with r = weighted sum mod 11 the check digit is 0 where r ≤ 1, else 11 − r. One
random run of twelve digits in ten passes, so this is a net that asks people to take the number out, not a proof that it
was one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

LENGTH = 12
APPLICATION_ID_GROUPS = ([23], [4, 4, 4, 4, 4, 3])
WEIGHTS = (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)
REFUSAL = _(
    "マイナンバー（個人番号）とみられる12桁の数字があります。"
    "マイナンバーはお預かりできません。数字を消してから送ってください。"
)
EXEMPT_FIELDS = frozenset({"csrfmiddlewaretoken", "password", "password1", "password2", "oldpassword", "new_password"})

_KANJI_DIGITS = {c: str(i) for i, c in enumerate("〇一二三四五六七八九")}
_SEPARATORS = frozenset(".,，．、。・･·•‧∙⋅_＿‗ーｰ−⁃˗~〜～|｜'’＇`\"”+＋*＊=＝\\")
_LOOSE = frozenset("/／∕⁄:：;；()（）[]［］{}｛｝「」<>＜＞#＃&＆")
_OPAQUE = re.compile(r"(?=.*[a-fA-F])(?:[0-9a-fA-F]{32,}|[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12})")
_SIGNS = (  # digits by ``unicodedata.digit`` that ``\d`` leaves out (raised, lowered, circled, with a full stop …), and kanji
    r"\u00b2\u00b3\u00b9\u1369-\u1371\u19da\u2070\u2074-\u2079\u2080-\u2089\u2460-\u2468\u2474-\u247c\u2488-\u2490"
    r"\u24ea\u24f5-\u24fd\u24ff\u2776-\u277e\u2780-\u2788\u278a-\u2792\U00010a40-\U00010a43\U00010e60-\U00010e68"
    r"\U00011052-\U0001105a\U0001f100-\U0001f10a〇一二三四五六七八九"
)
_ANY_DIGIT = re.compile(rf"[\d{_SIGNS}]")
_MAY_HOLD = re.compile(rf'[\d{_SIGNS}](?:[^\d{_SIGNS}"A-Za-z]*[\d{_SIGNS}]){{11}}')


@dataclass(frozen=True, slots=True)
class Span:
    """Where a number stands: ``text[start:end]``."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Group:
    """Digits that stand together without a separator."""

    digits: str
    start: int
    end: int


def has_valid_check_digit(digits: str) -> bool:
    """True when ``digits`` are twelve and the last is the check digit of the first eleven."""
    if len(digits) != LENGTH or not (digits.isascii() and digits.isdigit()):
        return False
    rest = sum(weight * int(digit) for weight, digit in zip(WEIGHTS, digits[:11], strict=True)) % 11
    return int(digits[11]) == (0 if rest <= 1 else 11 - rest)


def find_individual_numbers(text: str) -> list[Span]:
    """Every place in ``text`` that reads as an individual number, in order.

    Digits of any script, full-width, circled or kanji, count as digits; blanks (line breaks and invisible signs too),
    hyphens and the like between them are ignored. A run of digits counts when it has exactly twelve; inside a longer
    run (a list, a sentence with other figures before it) it counts where twelve stand together or in equal groups
    (4-4-4, 3-3-3-3, 6-6, 2×6, 1×12). Slashes, colons and brackets, which stand in dates, times and phone numbers, are
    ignored only between such equal groups, and between pairs of digits only where all are alike (10:00、10:30、11:00 are
    times). Phone numbers (10 or 11 digits) and application ids (23 digits) are never
    taken for one.
    """
    if len(text) < LENGTH or len(_ANY_DIGIT.findall(text)) < LENGTH:
        return []
    found = [span for run in _runs(text) for span in _in_run(run)]
    if not found and not _LOOSE.isdisjoint(text):
        found = [span for run in _runs(text, _LOOSE) for span in _equal_groups(run, text)]
    return found


def may_hold_number(document: str) -> bool:
    """False when no value of a JSON document can hold such a number; a cheap look before ``scan_json``."""
    return "\\" in document or _MAY_HOLD.search(document) is not None


def cut_individual_numbers(text: str) -> str:
    """The text without those numbers, so that a form can give back the rest of what was typed."""
    for span in reversed(find_individual_numbers(text)):
        text = text[: span.start] + text[span.end :]
    return text


def refuse_individual_number(value: object) -> None:
    """Validator for every text input. Raises ``ValidationError`` (code ``individual_number``) that does not hold the
    value.
    """
    if isinstance(value, str) and find_individual_numbers(value):
        raise ValidationError(REFUSAL, code="individual_number")


def scan_post(data: Any, exempt: Iterable[str] = ()) -> list[str]:
    """Names of the fields of a ``QueryDict`` (or a mapping of names to a text or list of texts) that hold such a
    number.

    Passwords and the CSRF token are not looked at, nor the ``exempt`` names, nor values that are wholly one random
    identifier (UUID, or 32 and more hexadecimal digits). A number typed into a field's *name* is found too.
    """
    skipped = EXEMPT_FIELDS.union(exempt)
    pairs = data.lists() if hasattr(data, "lists") else data.items()
    found = []
    for name, values in pairs:
        values = values if isinstance(values, list) else [values]
        if name not in skipped and any(_holds(value) for value in [name, *values]):
            found.append(name)
    return found


def scan_json(value: Any) -> list[str]:
    """Paths (``$.party[0].name``) in a JSON value whose text, number or key holds such a number."""
    return list(_scan_json(value, "$"))


def scan_files(files: Any) -> list[str]:
    """Names of the upload fields whose file *name* holds such a number."""
    return [field for field, uploads in files.lists() if any(_holds(upload.name or "") for upload in uploads)]


class GuardedForm(forms.Form):
    """A form (also usable as a mixin before ``ModelForm``) that refuses the number in every text field and does not
    show it again.

    The number alone is taken out of what was typed; all else stays in the fields.
    """

    guard_exempt: frozenset[str] = frozenset()

    def full_clean(self) -> None:
        hits: list[str] = []
        if self.is_bound:
            kept: Any = self.data.copy()  # type: ignore[attr-defined]
            for field in self.fields:
                name = self.add_prefix(field)
                for key in [key for key in kept if key == name or re.fullmatch(re.escape(name) + r"_\d+", key)]:
                    if key in EXEMPT_FIELDS or field in self.guard_exempt:
                        continue
                    values = kept.getlist(key) if hasattr(kept, "getlist") else [kept[key]]
                    if any(_holds(value) for value in values):
                        clean = [cut_individual_numbers(v) if isinstance(v, str) else v for v in values]
                        if hasattr(kept, "setlist"):
                            kept.setlist(key, clean)
                        else:
                            kept[key] = clean[0]
                        hits.append(field)
            if hits:
                self.data = kept
        super().full_clean()
        for field in dict.fromkeys(hits):
            self.errors.pop(field, None)
            self.add_error(field, ValidationError(REFUSAL, code="individual_number"))


def _holds(value: object) -> bool:
    if not isinstance(value, str) or _OPAQUE.fullmatch(value):
        return False
    return bool(find_individual_numbers(value))


def _scan_json(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if _holds(str(key)):
                yield f"{path}.*"
            else:
                yield from _scan_json(inner, f"{path}.{key}")
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _scan_json(inner, f"{path}[{index}]")
    elif isinstance(value, str | int | float) and not isinstance(value, bool) and _holds(str(value)):
        yield path


def _digit(c: str) -> str | None:
    if "0" <= c <= "9":
        return c
    if c < "\x80":
        return None
    value = unicodedata.digit(c, None)
    return str(value) if value is not None else _KANJI_DIGITS.get(c)


def _is_separator(c: str) -> bool:
    return c in _SEPARATORS or c.isspace() or unicodedata.category(c) in ("Pd", "Cf", "Zs", "Cc", "Mn")


def _runs(text: str, also: frozenset[str] = frozenset()) -> Iterator[list[_Group]]:
    """Groups of digits that only separators (and the signs ``also``) part."""
    run: list[_Group] = []
    digits, start = "", 0
    for i, c in enumerate(text):
        digit = _digit(c)
        if digit is not None:
            start = start if digits else i
            digits += digit
            continue
        if digits:
            run.append(_Group(digits, start, i))
            digits = ""
        if run and c not in also and not _is_separator(c):
            yield run
            run = []
    if digits:
        run.append(_Group(digits, start, len(text)))
    if run:
        yield run


def _in_run(run: list[_Group]) -> Iterator[Span]:
    total = sum(len(group.digits) for group in run)
    if total < LENGTH or [len(group.digits) for group in run] in APPLICATION_ID_GROUPS:
        return
    if total == LENGTH:
        if has_valid_check_digit("".join(group.digits for group in run)):
            yield Span(run[0].start, run[-1].end)
        return
    yield from _equal_groups(run)


def _equal_groups(run: list[_Group], text: str = "") -> Iterator[Span]:
    """Twelve digits in groups of one size; with ``text`` pairs count only when the same signs stand between all of them."""
    i = 0
    while i < len(run):
        size = len(run[i].digits)
        count = LENGTH // size if size <= LENGTH and LENGTH % size == 0 else 0
        window = run[i : i + count]
        if (
            count
            and len(window) == count
            and all(len(group.digits) == size for group in window)
            and (size != 2 or not text or len({text[a.end : b.start] for a, b in pairwise(window)}) == 1)
            and has_valid_check_digit("".join(group.digits for group in window))
        ):
            yield Span(window[0].start, window[-1].end)
            i += count
        else:
            i += 1
