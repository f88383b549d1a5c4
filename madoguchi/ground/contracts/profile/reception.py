"""What was agreed about the reception of visitors: window groups with their letter, priority of the booked, service times."""

from __future__ import annotations

from datetime import time
from typing import Annotated

from pydantic import Field

from .parties import Phone
from .values import Clock, Code, Count, Language, Name, Part, Positive

Letter = Annotated[str, Field(pattern=r"^[A-Z]$")]
Minutes = Annotated[int, Field(strict=True, ge=1, le=240)]
Screen = Annotated[int, Field(strict=True, ge=1, le=99)]


class WindowGroup(Part):
    """Windows of a site that share one queue under one letter."""

    code: Code = Field(description="窓口グループのコード（変更しない）")
    site: Code = Field(description="場所")
    letter: Letter = Field(description="番号札の英字（A〜Z。場所ごとに重ならない）")
    name: Name = Field(description="画面と番号札での名称")
    names: dict[Language, Name] = Field({}, description="各言語の名称")
    procedures: tuple[Code, ...] = Field(min_length=1, description="受け付ける手続き")
    languages: tuple[Language, ...] = Field((), description="この言語の方を優先して案内する（省略するとどの言語も同じ）")
    windows: tuple[Screen, ...] = Field(min_length=1, description="はじめに割り当てる窓口の番号")
    minutes: dict[Code, Minutes] = Field({}, description="手続きごとの応対時間の見込み（分）。実績がたまるまで待ち時間の計算に使う")
    booked_ahead_minutes: Count = Field(
        45, description="予約の時刻が近い方を、待っている方より何分先に並んだものとして案内するか（0＝来た順）"
    )

    def called(self, language: str) -> str:
        """The name in a language, else in Japanese."""
        return self.names.get(language, self.name)  # type: ignore[call-overload, no-any-return]


class FailureContact(Part):
    """Somebody to telephone when nothing works, printed in the evening's pack."""

    name: Name = Field(description="相手（組織・役割。個人名は書かない）")
    phone: Phone = Field(description="電話番号")


class Reception(Part):
    """The queue of a contract; left out where visitors are not received under it."""

    groups: tuple[WindowGroup, ...] = Field(min_length=1, description="窓口グループ")
    near_minutes: Count = Field(15, description="予約の何分前から、予約の方を先に案内するか")
    late_minutes: Count = Field(30, description="予約から何分遅れるまで、先に案内するか。過ぎると来た順になる")
    missed_back_minutes: Count = Field(10, description="呼び出しに応じなかった方を、何分後に並んだものとして列に戻すか")
    missed_most: Positive = Field(2, description="何回応じなければ、その日の受付を終えるか")
    block: Positive = Field(20, description="番号札の番号を、受付の端末に何枚ずつ渡すか")
    near_places: Positive = Field(3, description="あと何人で「もうすぐ」とお知らせするか")
    pack_at: Clock = Field(time(17, 30), description="次の開庁日の「非常時の用紙」を作る時刻")
    paper_numbers: Positive = Field(40, description="非常時の用紙に、英字ごとに何枚分の番号を取っておくか")
    failure_contacts: tuple[FailureContact, ...] = Field((), description="非常時の用紙に載せる連絡先（市と電話窓口は自動で載る）")

    def groups_at(self, site: str) -> tuple[WindowGroup, ...]:
        """The groups of a site, in the order of the profile."""
        return tuple(group for group in self.groups if group.site == site)

    def group(self, site: str, code: str) -> WindowGroup:
        """The group of that code at a site. Raises :class:`KeyError`."""
        for group in self.groups_at(site):
            if group.code == code:
                return group
        raise KeyError(code)
