"""What was agreed about the stock of cards: where they lie, how long, how many a day, and who lets one be destroyed."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .values import Code, Name, Part, Positive

Few = Annotated[int, Field(strict=True, ge=1, le=999)]


class Cabinet(Part):
    """A cabinet with boxes of slots; a slot holds one card. Its places are written ``A-03-12``: cabinet, box, slot."""

    code: Code = Field(description="キャビネットのコード（置き場所のラベルでは大文字で書く。変更しない）")
    name: Name = Field(description="キャビネットの呼び名")
    site: Code = Field(description="置いてある場所")
    boxes: Few = Field(description="箱の数")
    slots: Few = Field(description="1箱に立てられる枚数")

    @property
    def label(self) -> str:
        """The code as it stands on labels."""
        return self.code.upper()


class Cards(Part):
    """The stock of cards; left out where the contract has no module ``cards``."""

    number_pattern: str = Field(
        min_length=1, description="管理番号の形（英大文字・数字・ハイフンの正規表現）。12桁の数字だけの番号は使えない"
    )
    number_example: str = Field("", description="管理番号の例（入力欄に示す）")
    cabinets: tuple[Cabinet, ...] = Field(min_length=1, description="キャビネット")
    setup_daily_target: Positive = Field(description="交付前設定の1日の目標枚数")
    setup_within_days: Positive = Field(14, description="到着から交付前設定・通知までの日数の目安。過ぎると期限の一覧に出る")
    second_notice_days: Positive = Field(90, description="交付通知から再通知までの日数")
    disposal_days_after_notice: Positive = Field(365, description="交付通知から廃棄できるようになるまでの日数")
    disposal_days_after_second: Positive = Field(90, description="再通知から廃棄できるようになるまでの日数（2つの期限の遅いほうから）")
    disposal_approver: Literal["city", "contractor"] = Field(
        "city", description="廃棄を承認する人（city＝市職員、contractor＝受託者の業務責任者・リーダー）。提案した人は承認できない"
    )
    person: Literal["none", "kana_birth"] = Field(
        "none", description="カードを探すために預かる個人情報（none＝預からない、kana_birth＝フリガナと生年月日）"
    )
    person_days: Positive = Field(30, description="交付・返戻・廃棄から、フリガナと生年月日を消去するまでの日数")

    def cabinet(self, code: str) -> Cabinet | None:
        """The cabinet of that code, if there is one."""
        return next((cabinet for cabinet in self.cabinets if cabinet.code == code), None)
