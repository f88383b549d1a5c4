"""Reads of procedures and their texts."""

from __future__ import annotations

from dataclasses import dataclass

from .models import Procedure, ProcedureText


@dataclass(frozen=True)
class Shown:
    """A procedure as shown to a reader: the name in the reader's language, the legal name, and the texts.

    ``confirmed`` is False while the city has not checked the text. ``language`` is that of the text actually found.
    """

    code: str
    legal_name: str
    name: str
    summary: str
    bring: tuple[str, ...]
    notes: tuple[str, ...]
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
                bring=_lines(text.bring) if text else (),
                notes=_lines(text.notes) if text else (),
                minutes=procedure.minutes,
                confirmed=bool(text and text.confirmed),
                language=text.language if text else "ja",
            )
        )
    return found


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.splitlines() if line.strip())
