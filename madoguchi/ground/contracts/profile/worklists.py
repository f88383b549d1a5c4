"""Work lists that the city hands over as files, e.g. addresses of expiry notices to be brought up to date."""

from __future__ import annotations

from pydantic import Field

from .values import Code, Count, Flag, Name, Part, Positive


class ItemResult(Part):
    """How the work on one entry can end."""

    code: Code = Field(description="結果のコード（変更しない）")
    label: Name = Field(description="結果の呼び名")
    to_city: Flag = Field(False, description="市に判断や対応を求める結果か")


class DeferReason(Part):
    """Why an entry is put off to another day."""

    code: Code = Field(description="理由のコード（変更しない）")
    label: Name = Field(description="理由の呼び名")


class WorkList(Part):
    """One kind of list: what an entry is called, how it ends, how much is wanted a day."""

    code: Code = Field(max_length=30, description="作業リストのコード（変更しない）")
    label: Name = Field(description="作業リストの呼び名")
    key_label: Name = Field("整理番号", description="1件を表す市の番号の呼び名（マイナンバーは使えない）")
    results: tuple[ItemResult, ...] = Field(min_length=1, description="作業の結果")
    reasons: tuple[DeferReason, ...] = Field((), description="後日にする理由（なければ後日にできない）")
    claim_minutes: Positive = Field(30, description="担当が決まってから、手つかずなら他の人に回すまでの分数")
    daily_target: Count = Field(0, description="1日の目標件数（0は目標なし）")

    def result(self, code: str) -> ItemResult | None:
        """The result of that code; ``None`` when there is none."""
        return next((one for one in self.results if one.code == code), None)

    def reason(self, code: str) -> DeferReason | None:
        """The reason of that code; ``None`` when there is none."""
        return next((one for one in self.reasons if one.code == code), None)
