"""Places outside of the contract's tables where its personal data may lie; whoever keeps data there registers how to count and erase them.

The spool of the exchange is registered here; residents' drafts in sessions and the demo's mailbox by the floor that knows them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from madoguchi.ground.contracts.models import Contract
from madoguchi.voice import spool


@dataclass(frozen=True)
class Place:
    """A place. ``count`` and ``erase`` tell how many records of a contract are there, or were erased; erasing again finds none.

    ``way`` says in words what is done.
    """

    code: str
    title: str
    way: str
    count: Callable[[Contract], int]
    erase: Callable[[Contract], int]


_places: dict[str, Place] = {}


def register(place: Place) -> None:
    """Make a place known; call it in ``AppConfig.ready``. Raises ``ValueError`` for a code already taken by another."""
    if _places.setdefault(place.code, place) != place:
        raise ValueError(f"the place {place.code} is registered twice")


def places() -> list[Place]:
    """All places by code."""
    return [_places[code] for code in sorted(_places)]


def _spool() -> Path:
    return Path(settings.VOICE_DIR) / "spool"


register(
    Place(
        "spool", "電話交換機の控え（封をしたもの）", "上書き",
        lambda contract: spool.readable(_spool()), lambda contract: spool.blot(_spool()),
    )
)  # fmt: skip
