"""What the forecast of visits starts from beside the plan (``kpis.volumes``)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .values import Code, Part, Positive, Share

Use = Annotated[float, Field(gt=0, le=1)]


class CohortUse(Part):
    """Who comes when cards or certificates expire."""

    kind: Literal["card", "certificate"] = Field(description="有効期限が来るもの（card＝カード、certificate＝電子証明書）")
    procedure: Code = Field(description="その人たちが来る手続き")
    come: tuple[Share, ...] = Field(
        (0.1, 0.2, 0.2, 0.15, 0.05), min_length=5, max_length=5, description="来る割合：有効期限の月の3か月前・2か月前・1か月前・その月・翌月（合計が1以下）"
    )


class Forecast(Part):
    """How expected visits become places, windows and people."""

    actual: Literal["visits", "cases"] = Field("visits", description="実績として数えるもの（visits＝来庁、cases＝開いた案件）")
    cohorts: tuple[CohortUse, ...] = Field((), description="有効期限の件数（市のCSV）から見込む手続き")
    use: Use = Field(0.85, description="枠と窓口の時間のうち、実際に埋められる割合")
    person_minutes: Positive = Field(360, le=600, description="1人が1日に応対できる分数（休憩や後処理を除く）")
