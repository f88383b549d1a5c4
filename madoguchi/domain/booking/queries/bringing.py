"""What the people of a booking bring, those for whom it is the same together: for the page, the mail and the call."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from madoguchi.domain.procedures.briefing import Briefing, brief
from madoguchi.domain.procedures.queries import bring_rows

from ..party import Person


@dataclass(frozen=True)
class Together:
    """People (by their positions in the booking) who come for one procedure and bring the same."""

    procedure: str
    positions: tuple[int, ...]
    briefing: Briefing


def together(people: Iterable[tuple[int, str, Person | None]], on: dt.date, language: str) -> list[Together]:
    """For (position, procedure, details) of each person on the day of the visit; ``language`` must be active."""
    party = list(people)
    rows = bring_rows(on, {procedure for _, procedure, _ in party})
    found: dict[tuple[str, Briefing], list[int]] = {}
    for position, procedure, person in party:
        visitor = (person or Person({})).visitor(procedure, on)
        found.setdefault((procedure, brief(rows, visitor, on, language)), []).append(position)
    return [Together(procedure, tuple(positions), briefing) for (procedure, briefing), positions in found.items()]
