"""The input fields of the booking form: which, for whom, checked how, in which words, kept how long."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import lru_cache
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, TypeAdapter, ValidationError
from pydantic_core import SchemaError

from .values import Code, Flag, Language, Name, Part, Positive

STANDARD_FIELDS: tuple[str, ...] = (
    "name",
    "kana",
    "birth_date",
    "phone",
    "email",
    "postal_code",
    "address",
    "notice_number",
    "who",
    "situations",
    "language",
    "needs",
    "memo",
)
"""Codes of the input fields that need no ``label``; a field of the city's own starts with ``x_``."""

CHOSEN_FIELDS = ("birth_date", "who", "situations")
"""Standard fields that are chosen or put together, not typed as text: they take no pattern and no length."""

FieldKind = Literal["text", "long", "choice", "yes_no", "number", "date"]
LONGEST = 400
"""Characters that any field can hold; the programming interface takes no longer text either."""


@lru_cache(maxsize=256)
def matcher(pattern: str) -> Callable[[str], bool]:
    """A test whether a whole text matches ``pattern``. Raises ``ValueError`` for a pattern that cannot be used.

    The engine is the one of Rust's ``regex`` (inside pydantic): it has no look-around and no back-references and takes time linear in
    the text, so no pattern that loads can stop the server, whatever people type. A pattern that would grow too large is refused.
    """
    try:
        whole = TypeAdapter(Annotated[str, StringConstraints(pattern=f"^(?:{pattern})$")])
    except SchemaError as error:
        raise ValueError(str(error)) from None

    def matches(text: str) -> bool:
        try:
            whole.validate_python(text)
        except ValidationError:
            return False
        return True

    return matches


class Worded(Part):
    """Something with a Japanese text and texts in other languages; where one is missing the Japanese one stands."""

    @staticmethod
    def _said(texts: dict[Language, str], japanese: str, language: str) -> tuple[str, str]:
        found = next((text for code, text in texts.items() if code == language), "")
        return (found, language) if found else (japanese, "ja")


class FieldOption(Worded):
    """One answer to choose from."""

    code: Code = Field(description="選択肢のコード（変更しない）")
    label: Name = Field(description="選択肢の文言")
    labels: dict[Language, Name] = Field({}, description="各言語の文言")

    def said(self, language: str) -> tuple[str, str]:
        """(text, the language it is in)."""
        return self._said(self.labels, self.label, language)


class FieldRule(Worded):
    """An input field of the booking form, in the order of the list."""

    code: Code = Field(description="項目のコード。市独自の項目は x_ で始める")
    required: Flag = Field(False, description="必須か")
    required_for: tuple[Code, ...] = Field((), description="必須とする手続き（required = false のとき）")
    procedures: tuple[Code, ...] = Field(
        (), description="対象の手続き（省略するとすべて。連絡先と x_ の項目は、同行者のだれかが該当すれば入力を求める）"
    )
    label: str | None = Field(None, description="項目名（標準の項目は省略できる）")
    labels: dict[Language, Name] = Field({}, description="各言語の項目名")
    help: str = Field("", description="入力の説明")
    helps: dict[Language, Name] = Field({}, description="各言語の入力の説明")
    kind: FieldKind = Field("text", description="入力のしかた（x_ の項目のみ）")
    options: tuple[FieldOption, ...] = Field((), description="選択肢（kind = choice）")
    max_length: Positive | None = Field(None, le=LONGEST, description="文字数の上限")
    pattern: str | None = Field(None, min_length=1, max_length=200, description="全体が合うべき正規表現（Rust の regex の書き方）")
    message: str = Field("", description="形や範囲が合わないときの文（どう直すかを書く）")
    messages: dict[Language, Name] = Field({}, description="各言語の、合わないときの文")
    minimum: int | None = Field(
        None, strict=True, ge=-50_000, le=999_999_999, description="最小の数（kind = number）、または今日から数えた最初の日（kind = date。0＝今日）"
    )
    maximum: int | None = Field(
        None, strict=True, ge=-50_000, le=999_999_999, description="最大の数、または今日から数えた最後の日"
    )
    retention_days: Positive | None = Field(
        None, description="来庁日からこの項目だけを先に消去するまでの日数（全体の保存日数より短いとき）"
    )

    @property
    def own(self) -> bool:
        """Whether it is a question of the city's own."""
        return self.code.startswith("x_")

    def asked_of(self, procedures: Collection[str]) -> bool:
        """Whether people who come for any of these procedures are asked."""
        return not self.procedures or not set(self.procedures).isdisjoint(procedures)

    def needed_for(self, procedures: Collection[str]) -> bool:
        """Whether people who come for these procedures must answer."""
        return self.required or not set(self.required_for).isdisjoint(procedures)

    def said_label(self, language: str) -> tuple[str, str]:
        """(label, the language it is in); an empty label where the standard one stands."""
        return self._said(self.labels, self.label or "", language)

    def said_help(self, language: str) -> tuple[str, str]:
        """(help, the language it is in); an empty help where the standard one stands."""
        return self._said(self.helps, self.help, language)

    def said_message(self, language: str) -> str:
        """What is said when an answer has the wrong form; empty where the general sentence stands."""
        return self._said(self.messages, self.message, language)[0]
