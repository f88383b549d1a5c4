"""Reads of procedures and their texts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Q

from .models import BringRule, Procedure, ProcedureText
from .rules.bring import Row


@dataclass(frozen=True)
class Shown:
    """A procedure as shown to a reader: the name in the reader's language, the legal name, the explanation.

    ``confirmed`` is False while the city has not checked the text. ``language`` is that of the text actually found.
    """

    code: str
    legal_name: str
    name: str
    summary: str
    minutes: int
    confirmed: bool
    language: str

    @property
    def needs_legal_name(self) -> bool:
        """True when the legal name must stand beside the shown name."""
        return self.name != self.legal_name


def shown_procedures(language: str, codes: list[str] | None = None) -> list[Shown]:
    """Procedures of the contract in scope in the reader's language; missing texts fall back to English for foreign
    languages, then to Japanese."""
    procedures = Procedure.objects.all() if codes is None else Procedure.objects.filter(code__in=codes)
    order = [language] if language in ("ja", "ja-easy") else [language, "en"]
    order = [*dict.fromkeys([*order, "ja"])]
    texts: dict[tuple[int, str], ProcedureText] = {
        (t.procedure_id, t.language): t for t in ProcedureText.objects.filter(language__in=order)
    }
    found = []
    for procedure in procedures:
        text = next((texts[procedure.pk, code] for code in order if (procedure.pk, code) in texts), None)
        found.append(
            Shown(
                code=procedure.code,
                legal_name=procedure.legal_name,
                name=text.name if text else procedure.legal_name,
                summary=text.summary if text else "",
                minutes=procedure.minutes,
                confirmed=bool(text and text.confirmed),
                language=text.language if text else "ja",
            )
        )
    return found


def bring_rows(on: dt.date, procedures: Collection[str] | None = None) -> list[Row]:
    """Rows of what to bring that are valid on a day (inside ``contract_scope``), for some procedures or all."""
    rules = BringRule.objects.filter(Q(valid_to=None) | Q(valid_to__gte=on), valid_from__lte=on)
    if procedures is not None:
        rules = rules.filter(procedure__in=["", *procedures])
    return [rule.row for rule in rules]


def coming_changes(today: dt.date, procedure: str) -> list[BringRule]:
    """Versions of a procedure's rows that begin or end after ``today``, by day: what residents will be told differently."""
    rules = BringRule.objects.filter(Q(valid_from__gt=today) | Q(valid_to__gte=today), procedure=procedure)
    return sorted(rules, key=lambda rule: rule.valid_from if rule.starts_after(today) else rule.valid_to)
