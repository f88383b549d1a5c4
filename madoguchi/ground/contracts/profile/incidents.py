"""What happens when something goes wrong: whom to tell when, how long until somebody else is told, and what the law asks for."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .values import Code, Count, Flag, Name, Part, Positive

IncidentKind = Literal["accident", "fault", "personal_data", "mistake", "complaint", "disaster"]
StaffRole = Literal["operator", "counter", "supervisor", "manager", "city"]


class IncidentCall(Part):
    """Who is told, so many minutes after the report, while nobody has acknowledged it."""

    after_minutes: Count = Field(description="報告から何分後に知らせるか（0＝報告と同時）。その時までに確認されていれば知らせない")
    to: tuple[StaffRole, ...] = Field(min_length=1, description="知らせる役割。その役割の担当者全員にメールする")


class LegalStep(Part):
    """Something the law or the contract asks for after a leak of personal data. Its days count from when the incident was found."""

    code: Code = Field(description="コード（変更しない。記録が指す）")
    name: Name = Field(description="行うこと")
    days: Positive | None = Field(None, description="発覚から何日以内か（省略すると、期限の日を決めず「速やかに」）")
    wrongful_days: Positive | None = Field(None, description="不正の目的によるおそれがあるときの日数（省略すると days と同じ）")
    first_day: Flag = Field(True, description="発覚した日を1日目と数えるか")
    closed: Literal["as_is", "before", "after"] = Field(
        "as_is", description="期限が閉庁日のとき：as_is＝動かさない、before＝前の開庁日、after＝次の開庁日"
    )
    who: Literal["manager", "city"] = Field("city", description="行う人：manager＝業務責任者、city＝市")
    source: str = Field("", description="根拠（法令・仕様書の箇所）")


class IncidentDuty(Part):
    """An obligation that falls due when such an incident is reported."""

    duty: Code = Field(description="義務（報告書・提出物を含む）のコード。期限の規則は at_once または on_change")
    kinds: tuple[IncidentKind, ...] = Field((), description="対象の種類（省略すると、すべて）")
    grave_only: Flag = Field(False, description="重大なものだけか")
    met_by: Literal["acknowledged", "written"] = Field("written", description="履行とみなすもの（acknowledged＝市などの確認、written＝書面での報告）")


class Incidents(Part):
    """Accidents, faults, complaints and leaks: whom to tell, and until when what has to be done."""

    calls: tuple[IncidentCall, ...] = Field(min_length=1, description="知らせる順。最初は after_minutes = 0、後のものほど遅い")
    acknowledged_by: tuple[StaffRole, ...] = Field(("city",), min_length=1, description="確認すると知らせが止まる役割")
    repeat_minutes: Positive = Field(60, description="最後の知らせの後、確認されるまで何分ごとに繰り返すか")
    repeat_times: Count = Field(8, description="繰り返す回数の上限")
    legal: tuple[LegalStep, ...] = Field((), description="個人情報の漏えい等のときに、法令や契約で行うこと")
    duties: tuple[IncidentDuty, ...] = Field((), description="報告すると期限が決まる義務")
    check_days: Positive = Field(30, description="再発防止策を行ってから、効果を確かめるまでの日数の目安")
    source: str = Field("", description="仕様書の箇所")
