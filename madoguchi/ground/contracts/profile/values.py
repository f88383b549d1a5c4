"""Value types shared by all parts of a contract profile: clock times, spans, codes, and the frozen base model."""

from __future__ import annotations

import re
from datetime import date, time
from itertools import pairwise
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, Strict, WithJsonSchema
from pydantic_core import PydanticCustomError

END_OF_DAY = time.max
"""The end of an opening that lasts to midnight; written ``24:00``."""

Channel = Literal["web", "phone", "counter", "online"]
CHANNELS: tuple[str, ...] = get_args(Channel)
"""``web`` reservation site, ``phone`` call centre, ``counter`` at the site, ``online`` counter by video."""

Language = Literal["ja", "ja-easy", "en", "zh-hans", "ko", "vi", "pt", "fil", "ne", "es"]
LANGUAGES: tuple[str, ...] = get_args(Language)

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[str, ...] = get_args(Weekday)
"""In the order of :meth:`datetime.date.weekday`."""

_CLOCK = re.compile(r"(\d{1,2}):(\d{2})")


def clock_text(value: time) -> str:
    """``HH:MM``; the end of the day is ``24:00``."""
    return "24:00" if value == END_OF_DAY else value.strftime("%H:%M")


def minute_of(clock: time) -> int:
    """Minutes from midnight; the end of the day is 1440."""
    return 1440 if clock == END_OF_DAY else clock.hour * 60 + clock.minute


def clock_of(minute: int) -> time:
    """The time of day of 0…1440 minutes from midnight."""
    return END_OF_DAY if minute == 1440 else time(minute // 60, minute % 60)


def parse_clock(value: Any) -> time:
    """A time of day from ``"8:30"``, ``"24:00"`` or a TOML time. Raises :class:`PydanticCustomError`."""
    if isinstance(value, time):
        return value
    match = _CLOCK.fullmatch(value.strip()) if isinstance(value, str) else None
    if match:
        hour, minute = int(match[1]), int(match[2])
        if (hour, minute) == (24, 0):
            return END_OF_DAY
        if hour < 24 and minute < 60:
            return time(hour, minute)
    raise PydanticCustomError("expected", "{what}", {"what": 'a time "HH:MM" from "00:00" to "24:00"'})


def parse_span(value: Any) -> tuple[time, time]:
    """A span of one day from ``"08:30-17:15"``. Raises :class:`PydanticCustomError`."""
    if isinstance(value, tuple | list) and len(value) == 2:
        begin, end = (parse_clock(v) for v in value)
    else:
        parts = value.split("-") if isinstance(value, str) else []
        if len(parts) != 2:
            raise PydanticCustomError("expected", "{what}", {"what": 'a span "HH:MM-HH:MM"'})
        begin, end = (parse_clock(part) for part in parts)
    if begin >= end:
        raise PydanticCustomError("expected", "{what}", {"what": "a span that starts before it ends"})
    return begin, end


def span_text(span: tuple[time, time]) -> str:
    """``HH:MM-HH:MM``."""
    return f"{clock_text(span[0])}-{clock_text(span[1])}"


def spans_in_order(value: tuple[tuple[time, time], ...]) -> tuple[tuple[time, time], ...]:
    """Spans must follow each other without overlap. Raises :class:`PydanticCustomError`."""
    for before, after in pairwise(value):
        if before[1] > after[0]:
            what = f"spans in order without overlap, {span_text(after)} after {span_text(before)} is not"
            raise PydanticCustomError("expected", "{what}", {"what": what})
    return value


Clock = Annotated[
    time,
    BeforeValidator(parse_clock),
    PlainSerializer(clock_text),
    WithJsonSchema({"type": "string", "format": "HH:MM"}),
]
Span = Annotated[
    tuple[time, time],
    BeforeValidator(parse_span),
    PlainSerializer(span_text),
    WithJsonSchema({"type": "string", "format": "HH:MM-HH:MM"}),
]
Day = Annotated[date, Strict()]
Flag = Annotated[bool, Strict()]
Count = Annotated[int, Field(strict=True, ge=0)]
Positive = Annotated[int, Field(strict=True, ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
Name = Annotated[str, Field(min_length=1, max_length=200)]


class Part(BaseModel):
    """A table of a profile: frozen, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")
