"""What was agreed about the survey of visitors: the questions, the ways to them, the groups of free text."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from .fields import FieldOption, Worded
from .values import Code, Day, Flag, Language, Name, Part

QuestionKind = Literal["score", "choice", "text"]
SurveyWay = Literal["poster", "kiosk", "mail"]
ValidDays = Annotated[int, Field(strict=True, ge=1, le=60)]
STANDARD_QUESTIONS: dict[str, tuple[QuestionKind, str]] = {
    "satisfaction": ("score", "今日の窓口は、全体として、いかがでしたか。"),
    "manner": ("score", "職員の対応は、いかがでしたか。"),
    "clarity": ("score", "説明の分かりやすさは、いかがでしたか。"),
    "waiting": ("score", "待ち時間は、いかがでしたか。"),
    "preparation": ("score", "来る前の案内（持ち物や予約の方法）は、いかがでしたか。"),
    "solved": ("choice", "今日の用事は、済みましたか。"),
    "opinion": ("text", "ご意見やご要望があれば、書いてください。"),
}
"""Codes of questions that need no text, with their kind: residents read them in their own language."""


class SurveyQuestion(Worded):
    """A question, in the order of the list."""

    code: Code = Field(max_length=24, description="質問のコード（変更しない。標準の質問なら、文言と10言語の訳がある）")
    kind: QuestionKind = Field(description="答え方（score＝5段階、choice＝1つ選ぶ、text＝自由に書く）")
    text: str = Field("", max_length=200, description="質問の文（標準の質問は省略できる）")
    texts: dict[Language, Name] = Field({}, description="各言語の質問の文")
    choices: tuple[FieldOption, ...] = Field((), description="選択肢（kind = choice。省略すると「はい」「いいえ」）")
    procedures: tuple[Code, ...] = Field((), description="この手続きで来た人だけに聞く（省略すると全員）")
    required: Flag = Field(False, description="答えないと送れないか")
    begins: Day | None = Field(None, description="この日から聞く（省略すると初めから）")
    ends: Day | None = Field(None, description="この日まで聞く（省略すると終わりまで）")

    @property
    def title(self) -> str:
        """The Japanese text."""
        return self.text or STANDARD_QUESTIONS[self.code][1]

    @property
    def standard(self) -> bool:
        """Whether the text is the shipped one, which exists in every language."""
        return not self.text

    @property
    def options(self) -> tuple[str, ...]:
        """Codes that may be chosen."""
        return tuple(one.code for one in self.choices) or ("yes", "no")

    def said(self, language: str) -> tuple[str, str]:
        """(text, the language it is in) of a question of the city's own."""
        return self._said(self.texts, self.title, language)

    def asked(self, day: date, procedure: str) -> bool:
        """Whether who came for a procedure (empty: not said) on a day is asked."""
        begun = (self.begins is None or self.begins <= day) and (self.ends is None or day <= self.ends)
        return begun and (not self.procedures or procedure in self.procedures)


class WordGroup(Part):
    """A group of free text, found by words in it."""

    code: Code = Field(max_length=24, description="分類のコード（変更しない）")
    label: Name = Field(description="分類の名称")
    words: tuple[Name, ...] = Field((), description="この言葉があれば、この分類にする（人が付け直せる）")


class Survey(Part):
    """The survey of visitors; left out where none was agreed. No answer can be traced to a person."""

    ways: tuple[SurveyWay, ...] = Field(
        ("poster", "kiosk"), min_length=1, description="答え方の入口（poster＝掲示や番号札のQRコード、kiosk＝出口のタブレット、mail＝来庁の翌日のメール）"
    )
    mail_valid_days: ValidDays = Field(14, description="メールのリンクを使える日数")
    questions: tuple[SurveyQuestion, ...] = Field(min_length=1, max_length=12, description="質問")
    groups: tuple[WordGroup, ...] = Field((), description="自由記述の分類")
    source: str = Field("", description="仕様書の箇所")

    def asked(self, day: date, procedure: str) -> tuple[SurveyQuestion, ...]:
        """The questions of a day for who came for a procedure, in the order of the profile."""
        return tuple(one for one in self.questions if one.asked(day, procedure))
