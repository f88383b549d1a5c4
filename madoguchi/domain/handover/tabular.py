"""Rows as two files, CSV and JSON, with the description of their columns; and the rows of a declared table."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from django.contrib.postgres.fields import ArrayField
from django.db import models

from madoguchi.ground.contracts.tenancy import TenantModel
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.kit.csvfile import neutral
from madoguchi.ground.privacy.registry import sealed_columns
from madoguchi.ground.privacy.sealing import Keyring, SealError

from .archive import Sink, json_text
from .enums import Kind, Variant
from .tables import Table, table_of
from .words import name_of, unit_of

PAGE: Final = 1000
CRLF: Final = "\r\n"
NEVER: Final = frozenset({Kind.INDEX, Kind.HIDDEN, Kind.FILE})
FIGURES_ONLY: Final = frozenset({Kind.PLAIN})
TRANSIENT: Final = frozenset({"photos.Photo.sealed", "booking.Delivery.content"})
"""Sealed files on their way: a picture goes to the city's place, a delivered list is made from bookings that are in the package."""


@dataclass(frozen=True)
class Column:
    """One column of a table: its name, what it is called, its type by Frictionless' Table Schema, and its unit."""

    name: str
    title: str
    type: str = "string"
    unit: str = ""
    values: tuple[tuple[str, str], ...] = ()
    refers: str = ""
    personal: bool = False

    def described(self) -> dict[str, Any]:
        """As it stands in the description of the package."""
        found: dict[str, Any] = {"name": self.name, "title": self.title, "type": self.type}
        if self.unit:
            found["unit"] = self.unit
        if self.values:
            found["constraints"] = {"enum": [code for code, _ in self.values]}
            found["labels"] = dict(self.values)
        if self.refers:
            found["refersTo"] = self.refers
        if self.personal:
            found["personal"] = True
        return found


def plain(value: Any) -> Any:
    """A value as JSON has it: moments and days in ISO 8601 (Japan's time), exact numbers as text; lists and objects likewise throughout."""
    if isinstance(value, dt.datetime):
        return value.astimezone(JST).isoformat()
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return {key: plain(one) for key, one in value.items()}
    return [plain(one) for one in value] if isinstance(value, list | tuple) else value


def cell(value: Any) -> str:
    """A JSON value as a cell: nothing for null, lists and objects as JSON, text that a spreadsheet never runs."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        return neutral(json_text(value))
    return neutral(value) if isinstance(value, str) else str(value)


def write(csv_file: Sink, json_file: Sink, columns: list[Column], rows: Iterable[Mapping[str, Any]]) -> int:
    """Write rows into both files, never more than a few at once in memory; how many rows. JSON keeps values exactly as they are."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator=CRLF)
    names = [column.name for column in columns]
    csv_file.write(b"\xef\xbb\xbf")
    writer.writerow(names)
    json_file.write(b"[")
    count = 0
    for row in rows:
        values = {name: plain(row[name]) for name in names}
        writer.writerow([cell(values[name]) for name in names])
        json_file.write((",\n" if count else "\n").encode() + json_text(values).encode())
        count += 1
        if buffer.tell() > 64_000:
            csv_file.write(_taken(buffer))
    csv_file.write(_taken(buffer))
    json_file.write(b"\n]\n")
    return count


def _taken(buffer: io.StringIO) -> bytes:
    data = buffer.getvalue().encode()
    buffer.seek(0)
    buffer.truncate()
    return data


@dataclass
class TableRows:
    """The rows of a declared table as a package of ``variant`` holds them. ``unopened`` counts sealed values that did not open."""

    table: Table
    variant: Variant
    ring: Keyring
    unopened: int = 0
    _purposes: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._purposes = {one.column: one.purpose for one in sealed_columns() if one.model is self.table.model}

    def columns(self) -> list[Column]:
        """The columns of this variant."""
        return [_described(self.table, one, kind) for one, kind in self._fields()]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        last = 0
        chosen = [one for one, _ in self._fields()]
        while page := list(self.table.model._default_manager.filter(pk__gt=last).order_by("pk")[:PAGE]):
            for row in page:
                yield {one.attname: self._value(one, getattr(row, one.attname)) for one in chosen}
            last = page[-1].pk

    def _fields(self) -> list[tuple[models.Field, Kind]]:
        kinds = self.table.kinds()
        found = []
        for one in self.table.model._meta.concrete_fields:
            kind = kinds.get(one.name, Kind.PLAIN)
            if one.name == "contract" or kind in NEVER or f"{self.table.label}.{one.name}" in TRANSIENT:
                continue
            if self.variant == Variant.FULL or kind in FIGURES_ONLY:
                found.append((one, kind))
        return found

    def _value(self, one: models.Field, value: Any) -> Any:
        if value is None or not isinstance(one, models.BinaryField):
            return value
        try:
            text = self.ring.unseal(self._purposes[one.name], value).decode()
        except (SealError, UnicodeDecodeError):
            self.unopened += 1
            return None
        try:
            return json.loads(text)
        except json.JSONDecodeError:
            return text


def _described(table: Table, one: models.Field, kind: Kind) -> Column:
    target = one.related_model if one.is_relation else None
    refers = ""
    if isinstance(target, type) and issubclass(target, TenantModel):
        refers = f"{table_of(target).file}.id"
    elif target is not None:
        refers = "staff.id"
    values = tuple((str(code), str(label)) for code, label in one.choices or () if code is not None)
    return Column(one.attname, name_of(one.name), _type(one), unit_of(one.name), values, refers, kind is not Kind.PLAIN)


def _type(one: models.Field) -> str:
    if isinstance(one, models.BinaryField):
        return "object"
    kinds: list[tuple[Any, str]] = [
        (models.BooleanField, "boolean"), (models.DateTimeField, "datetime"), (models.DateField, "date"), (models.TimeField, "time"),
        (models.FloatField | models.DecimalField, "number"), (models.IntegerField | models.ForeignKey, "integer"), (ArrayField, "array"),
        (models.JSONField, "any"),
    ]  # fmt: skip
    return next((name for kind, name in kinds if isinstance(one, kind)), "string")
