"""What was agreed about the rooms of the counter: lists before opening and after closing, papers to be destroyed, photos for applications."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from .values import Code, Count, Day, Flag, Name, Part, Positive

Percent = Annotated[int, Field(strict=True, ge=30, le=100)]
PLACEHOLDERS = ("contract", "site", "date", "time", "kind", "number", "n")
"""What the name of a photo may be made of: contract and site codes, day, time, what it belongs to, its number, which photo of it."""
_BRACES = re.compile(r"\{([^{}]*)\}")
_SAFE = re.compile(r"[A-Za-z0-9._/-]*")


def check_photo_name(value: str) -> str:
    """A relative path without ``..`` that ends in ``.jpg`` and differs from photo to photo. Raises :class:`PydanticCustomError`."""
    names = _BRACES.findall(value)
    plain = _BRACES.sub("", value)
    unknown = [name for name in names if name not in PLACEHOLDERS]
    if unknown:
        what = f"placeholders among {', '.join(PLACEHOLDERS)}"
    elif not {"number", "n"} <= set(names):
        what = "{number} and {n}, so that no photo takes another's name"
    elif not value.endswith(".jpg") or not _SAFE.fullmatch(plain) or value.startswith("/") or ".." in plain:
        what = 'a relative path of letters, digits, ".", "_", "-" and "/" that ends in ".jpg"'
    else:
        return value
    raise PydanticCustomError("expected", "{what}", {"what": what})


class Reading(Part):
    """A number to be read off, e.g. sheets left."""

    unit: Name = Field(description="単位（枚・台・℃など）")
    minimum: Count | None = Field(None, description="これより少なければ「補充が必要」と表示する")


class ChecklistItem(Part):
    """One thing to look at or to do."""

    code: Code = Field(description="項目のコード（変更しない）")
    label: Name = Field(description="項目の文")
    by: Literal["staff", "leader"] = Field("staff", description="行う人（staff＝窓口の誰でも、leader＝リーダー・業務責任者・市）")
    required: Flag = Field(True, description="済ませないと点検表が終わらない項目か")
    reading: Reading | None = Field(None, description="数を記入する項目")
    begins: Day | None = Field(None, description="この日から使う（省略すると初めから）")
    ends: Day | None = Field(None, description="この日まで使う（省略すると終わりまで）")


class Checklist(Part):
    """A list that is gone through on every open day of a site, or once a week."""

    code: Code = Field(max_length=30, description="点検表のコード（変更しない）")
    name: Name = Field(description="点検表の名称")
    kind: Literal["opening", "closing", "weekly"] = Field(description="opening＝始業時、closing＝終業時、weekly＝週1回")
    sites: tuple[Code, ...] = Field((), description="対象の場所（省略するとすべて）")
    due_minutes: Count = Field(description="期限。始業時は開設の何分前まで、終業時・週1回は閉庁（週の最後の開庁日）の何分後まで")
    items: tuple[ChecklistItem, ...] = Field(min_length=1, description="項目")
    source: str = Field("", description="仕様書の箇所")

    def items_on(self, day: date) -> tuple[ChecklistItem, ...]:
        """The items in use on a day, in the order of the profile."""
        return tuple(one for one in self.items if (one.begins is None or one.begins <= day) and (one.ends is None or day <= one.ends))


class PaperKind(Part):
    """A kind of paper that is kept until it is destroyed."""

    code: Code = Field(description="文書の種類のコード（変更しない）")
    label: Name = Field(description="文書の種類の呼び名（個人名は書かない）")


class Shredding(Part):
    """How papers with personal data are destroyed; left out where nothing was agreed."""

    duty: Code = Field(description="年間の回数を定めた義務のコード（duties の times_a_year）")
    by: Literal["city", "contractor"] = Field(description="破砕する人（city＝市、contractor＝受託者）")
    kinds: tuple[PaperKind, ...] = Field(min_length=1, description="文書の種類")
    places: tuple[Name, ...] = Field(min_length=1, description="保管場所")


class Photo(Part):
    """Photos of applicants: where they go. Left out where none are taken."""

    store: Literal["folder", "s3"] = Field(description="届け先の種類（folder＝市の共有フォルダー、s3＝S3互換の保管庫）")
    bucket: str = Field("", pattern=r"^([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])?$", description="バケット名（s3）")
    name: Annotated[str, AfterValidator(check_photo_name)] = Field(
        "{date}/{kind}{number}-{n}.jpg",
        description="届け先でのファイル名。{contract} {site} {date} {time} {kind} {number} {n} を差し込める。個人名は使わない",
    )
    keep_minutes: Positive = Field(60, le=1440, description="届け先が応じないとき、封じて預かる分数。過ぎると消去し、撮り直しになる")
    width: Annotated[int, Field(strict=True, ge=480, le=2100)] = Field(840, description="写真の幅（画素）。高さは35対45の比で決まる")
    quality: Percent = Field(92, description="JPEGの品質（30〜100）")

    @property
    def height(self) -> int:
        """Pixels; a photo for the card is 35 mm by 45 mm."""
        return round(self.width * 45 / 35)
