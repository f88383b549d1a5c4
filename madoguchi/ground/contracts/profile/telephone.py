"""What was agreed about the telephone: numbers, menu, queues, the second line, and how the answer rate is counted."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .parties import Phone
from .values import Code, Count, Flag, Language, Name, Part, Positive, Share

Key = Annotated[str, Field(pattern=r"^[0-9]$")]


class MenuKey(Part):
    """One key that callers may press, where it leads, and the language spoken from there on."""

    key: Key = Field(description="押すキー（0〜9）")
    code: Code = Field(description="選択肢のコード（変更しない）")
    label: Name = Field(description="選択肢の呼び名（日本語。音声でも読み上げる）")
    labels: dict[Language, Name] = Field({}, description="各言語の呼び名（音声でも読み上げる）")
    queue: Code = Field("main", description="つなぐ待ち列のコード")
    language: Language | None = Field(None, description="この後の案内の言語（省略すると変えない）")

    def said(self, language: str) -> str:
        """The label in a language, else in Japanese."""
        return self.labels.get(language, self.label)  # type: ignore[call-overload, no-any-return]


class QueueTerms(Part):
    """Waiting for an operator, and what happens when nobody can come."""

    code: Code = Field("main", description="待ち列のコード")
    label: Name = Field("オペレーター", description="画面での呼び名")
    max_waiting: Count = Field(20, description="同時に待てる人数。超えた着信には自動応答で案内する")
    max_wait_seconds: Positive = Field(120, description="待ち時間の上限（秒）。超えたら自動応答で案内する")
    ring_seconds: Positive = Field(15, description="一人のオペレーターを呼び出す時間（秒）")
    wrapup_seconds: Count = Field(60, description="通話の後、次の着信までの後処理の時間（秒）")
    announce_every_seconds: Positive = Field(25, description="待っている間の案内の間隔（秒）")
    callback_key: str = Field(
        "1", pattern=r"^[0-9]?$", description="折り返しを頼むキー（空にすると折り返しを受け付けない。Web予約のない契約では空にできない）"
    )


class SecondLine(Part):
    """Questions that operators cannot settle: to the supervisor, then to the city."""

    supervisor_minutes: Positive = Field(30, description="業務責任者が二次対応を始めるまでの分数")
    city_minutes: Positive = Field(120, description="市が折り返すまでの分数")
    complaint_at_once: Flag = Field(True, description="苦情・トラブルをすぐに市へ報告するか")


class AnswerRate(Part):
    """A named definition of the answer rate: which calls count, and what counts as answered."""

    code: Code = Field(description="定義のコード")
    name: Name = Field(description="定義の名称（数値の横に表示する）")
    exclude_closed: Flag = Field(True, description="開設時間外の着信を除くか")
    exclude_short: Flag = Field(True, description="すぐに切れた着信を除くか")
    short_seconds: Count = Field(5, description="すぐに切れたとみなす秒数（未満）")
    callbacks: Literal["answered_when_completed", "answered_at_once", "left_out", "not_answered"] = Field(
        "answered_when_completed",
        description=(
            "折り返しの数え方（answered_when_completed＝折り返しが済んだら応答、answered_at_once＝受け付けた時に応答、"
            "left_out＝母数から除く、not_answered＝応答としない）"
        ),
    )
    service_level_seconds: Positive = Field(20, description="時間内応答率の秒数")
    target: Share | None = Field(None, description="目標（0〜1）。省略すると目標なし")


class Telephone(Part):
    """The telephone work of a contract; left out where the contract has none."""

    numbers: tuple[Phone, ...] = Field(min_length=1, description="着信する電話番号")
    languages: tuple[Language, ...] = Field(("ja",), min_length=1, description="音声案内の言語（先頭が最初に流れる）")
    names: dict[Language, Name] = Field({}, description="音声で名乗る名称（省略すると市の名称と電話の呼び名）")
    web: dict[Language, Name] = Field({}, description="Web予約のページの、音声での言い方（省略すると「市のホームページ」）")
    channels: Positive = Field(description="通信事業者と契約した同時通話数（オペレーター＋待ちの人数以上にする）")
    menu: tuple[MenuKey, ...] = Field((), max_length=10, description="音声メニューのキー（なければ直接つなぐ）")
    otherwise: Code | None = Field(None, description="何も押されないときにつなぐ待ち列（省略すると先頭）")
    queues: tuple[QueueTerms, ...] = Field((QueueTerms(),), min_length=1, description="待ち列")
    second_line: SecondLine = Field(SecondLine(), description="二次対応")
    definitions: tuple[AnswerRate, ...] = Field(min_length=1, description="応答率の定義（先頭を契約の指標とする）")
