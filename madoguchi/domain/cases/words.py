"""Purpose of the sealed column."""

from typing import Final

NOTE: Final = "cases.note"
