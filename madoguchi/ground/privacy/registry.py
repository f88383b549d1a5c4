"""Which columns hold sealed values: whoever seals says so here, so that a rotation reaches every one."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import models


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A binary column of a tenant model, sealed for one purpose (see ``Keyring.seal``)."""

    model: type[models.Model]
    column: str
    purpose: str

    @property
    def name(self) -> str:
        """``app.Model.column``."""
        return f"{self.model._meta.label}.{self.column}"


_columns: dict[str, SealedColumn] = {}


def register(*columns: SealedColumn) -> None:
    """Make sealed columns known; call it in ``AppConfig.ready``. Raises ``ValueError`` for one column with two
    purposes.
    """
    for column in columns:
        if _columns.setdefault(column.name, column) != column:
            raise ValueError(f"{column.name} is registered with two purposes")


def sealed_columns() -> list[SealedColumn]:
    """All of them by name."""
    return [_columns[name] for name in sorted(_columns)]
