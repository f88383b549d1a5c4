"""What a paper says. A content is plain data, so that it can be frozen::

    {"title", "city", "contractor", "project", "code", "version", "occasion", "due", "approval",
     "parts": [{"code", "title", "draft", "text", "written", "table": {"head", "rows", "figures"} | null}]}

``written``: a person wrote the text; ``due`` is a date in ISO form.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from madoguchi.domain.obligations.queries import Book, Line, book_of
from madoguchi.domain.reports.contents import digest_of
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.profile import Profile, ReportDuty

from .drafts import drafted
from .errors import PaperRefused
from .models import Paper, PaperText

Content = dict[str, Any]
__all__ = ["Change", "Content", "compared", "content_of", "digest_of", "duty_of", "line_of", "papers_of"]


def papers_of(profile: Profile) -> list[ReportDuty]:
    """The papers that a contract agreed on."""
    return [one for one in profile.reports if one.passages and not one.period]


def duty_of(profile: Profile, code: str) -> ReportDuty | None:
    """The duty of a paper; None for any other code."""
    return next((one for one in papers_of(profile) if one.code == code), None)


def line_of(book: Book, code: str, key: str) -> Line:
    """The occasion of its obligation that a paper is for. Raises :class:`PaperRefused`."""
    found = next((one for one in book.of(code) if one.occasion.key == key), None)
    if found is None:
        raise PaperRefused("この文書の提出の回が、義務の台帳にありません。一覧から選び直してください。")
    return found


def content_of(contract: Contract, paper: Paper, today: dt.date) -> Content:
    """What a paper says: as handed in, or of a draft as it would be handed in now (inside ``contract_scope``).

    Raises :class:`PaperRefused` for a draft of what is agreed no longer.
    """
    if paper.content is not None:
        return dict(paper.content)
    duty = duty_of(contract.profile, paper.code)
    if duty is None:
        raise PaperRefused("この文書は、いまの契約の内容にありません。")
    book = book_of(contract, today)
    occasion = line_of(book, paper.code, paper.key).occasion
    written = dict(PaperText.objects.filter(paper=paper).values_list("code", "text"))
    parts = []
    for one in duty.passages:
        draft = drafted(one.draft, contract, book)
        parts.append({
            "code": one.code, "title": one.title, "draft": one.draft, "text": written.get(one.code, draft.text), "written": one.code in written,
            "table": draft.table,
        })  # fmt: skip
    return {
        "title": duty.name, "city": contract.profile.city.name, "contractor": contract.profile.contractor.name, "project": contract.profile.title,
        "code": duty.code, "version": paper.version, "occasion": occasion.label, "due": occasion.due.isoformat(), "approval": duty.approval,
        "parts": parts,
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Change:
    """A part in which two versions differ, as pieces (``same``, ``gone`` or ``new``, words) in the order of reading."""

    title: str
    pieces: tuple[tuple[str, str], ...]


def compared(before: Content, after: Content) -> list[Change]:
    """The parts in which two versions differ, sentence by sentence and row by row."""
    old, new = ({one["code"]: one for one in content["parts"]} for content in (before, after))
    found = []
    for code in [*new, *(one for one in old if one not in new)]:
        first, second = _sentences(old.get(code)), _sentences(new.get(code))
        if first != second:
            found.append(Change((new.get(code) or old[code])["title"], tuple(_pieces(first, second))))
    return found


def _sentences(part: dict[str, Any] | None) -> list[str]:
    if part is None:
        return []
    rows = ["　".join(row) + "\n" for row in part["table"]["rows"]] if part["table"] else []
    return [*(one for one in re.split(r"(?<=[。\n])", part["text"]) if one), *rows]


def _pieces(first: list[str], second: list[str]) -> list[tuple[str, str]]:
    pieces = []
    for what, a, b, c, d in SequenceMatcher(None, first, second, autojunk=False).get_opcodes():
        if what == "equal":
            pieces.append(("same", "".join(first[a:b])))
            continue
        pieces += [(kind, words) for kind, words in (("gone", "".join(first[a:b])), ("new", "".join(second[c:d]))) if words]
    return pieces
