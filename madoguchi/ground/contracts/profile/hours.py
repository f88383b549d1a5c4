"""When a site is open for a channel, and when national systems stand still."""

from __future__ import annotations

from datetime import time
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from .values import END_OF_DAY, Channel, Clock, Code, Count, Day, Name, Part, Positive, Span, Weekday, spans_in_order

Spans = Annotated[tuple[Span, ...], Field(min_length=1), AfterValidator(spans_in_order)]


class Weekly(Part):
    """Hours that repeat every week."""

    days: tuple[Weekday, ...] = Field(min_length=1, description="曜日（mon〜sun）")
    open: Spans = Field(description="開設時間（例 08:30-17:15）。24時間は 00:00-24:00")
    extended_until: Clock | None = Field(None, description="延長後の終了時刻。祝日に臨時開庁する日には適用しない")
    last_reception: Clock | None = Field(None, description="最終受付時刻")
    reason: str = Field("通常", description="画面に出す理由")


class NthWeekday(Part):
    """A rule for the n-th weekday of each month: an evening extension, or an opening of its own."""

    weekday: Weekday = Field(description="曜日")
    nth: tuple[Annotated[int, Field(strict=True, ge=1, le=5)], ...] = Field(
        min_length=1, description="月の第何回目の曜日か（1〜5）"
    )
    open: Spans | None = Field(None, description="その日の開設時間（開庁日を新たに設ける場合）")
    extended_until: Clock | None = Field(None, description="延長後の終了時刻（通常の開設時間を延長する場合）")
    last_reception: Clock | None = Field(None, description="最終受付時刻")
    on_holidays: Literal["open", "closed"] = Field(
        "open", description="祝日に当たる場合の扱い。延長（extended_until）は祝日には常に適用しない"
    )
    reason: Name = Field(description="画面に出す理由")


class Designated(Part):
    """Days that the city names one by one (休日開庁日)."""

    dates: tuple[Day, ...] = Field((), description="指定日の一覧（職員が画面から追加できる）")
    weekdays: tuple[Weekday, ...] = Field(("sat", "sun"), description="指定できる曜日")
    open: Spans = Field(description="指定日の開設時間")
    last_reception: Clock | None = Field(None, description="最終受付時刻")
    per_month_min: Count = Field(0, description="月あたりの日数の下限")
    per_month_max: Count = Field(31, description="月あたりの日数の上限")
    reason: Name = Field("休日開庁（指定日）", description="画面に出す理由")


class Hours(Part):
    """Opening hours of some channels at some sites; each pair of site and channel stands in one block only."""

    sites: tuple[Code, ...] = Field((), description="対象の場所（省略するとすべて）")
    channels: tuple[Channel, ...] = Field(min_length=1, description="対象のチャネル")
    weekly: tuple[Weekly, ...] = Field(min_length=1, description="曜日ごとの開設時間")
    nth: tuple[NthWeekday, ...] = Field((), description="第n曜日の規則（延長・休日開庁）")
    designated: Designated | None = Field(None, description="市が指定する休日開庁日")
    last_reception_minutes: Positive | None = Field(
        None, description="最終受付を終了の何分前とするか（個別の last_reception が優先）"
    )
    national_holidays: Literal["open", "closed"] = Field(
        "closed", description="国民の祝日に関する法律の休日（振替休日・国民の休日を含む）の扱い"
    )
    year_end: Literal["open", "closed"] = Field("closed", description="年末年始の扱い")


class YearEnd(Part):
    """The closure around New Year, by month and day, both inclusive."""

    begins: str = Field("12-29", pattern=r"^1[0-2]-[0-3]\d$", description="年末の休業の初日（MM-DD）")
    ends: str = Field("01-03", pattern=r"^0[1-3]-[0-3]\d$", description="年始の休業の末日（MM-DD）")


class StopRule(Part):
    """A regular stop of a national system, and what it does to which channels."""

    code: Code = Field(description="停止のコード")
    rule: Literal["daily", "sunday_after_third_saturday", "dates"] = Field(description="停止日の規則")
    dates: tuple[Day, ...] = Field((), description="停止日（rule = dates の場合）")
    span: Span = Field((time.min, END_OF_DAY), description="停止する時間帯")
    channels: tuple[Channel, ...] = Field(min_length=1, description="影響を受けるチャネル")
    sites: tuple[Code, ...] = Field((), description="影響を受ける場所（省略するとすべて）")
    effect: Literal["degraded", "closed"] = Field(
        "degraded", description="degraded＝開設は続けるが下記の手続きができない、closed＝その時間帯を閉める"
    )
    services: tuple[Code, ...] = Field((), description="できなくなる手続き（degraded の場合。省略するとすべて）")
    reason: Name = Field(description="画面に出す理由")
