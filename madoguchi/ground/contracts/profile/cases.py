"""What was agreed about the work on cases at the counter: which decisions are the city's alone."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .values import Part

Decision = Literal["identity", "issuance", "examination"]


class Cases(Part):
    """Work on cases. A decision that is not listed may be made by the contractor's leader too."""

    city_decides: tuple[Decision, ...] = Field(
        ("identity", "issuance", "examination"),
        description="市の職員だけが行う判断（identity＝本人確認、issuance＝交付の決定、examination＝審査）。省いたものは受託者のリーダーも行える",
    )
    usual: dict[str, str] = Field(
        default_factory=dict,
        description="手続きのコード → 応対を始めたときに開く流れのコード。流れが一つだけの手続きには要らない。いくつもあってここにないものは担当者が選ぶ",
    )
