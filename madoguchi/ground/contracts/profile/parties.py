"""Who and where: the city, its office, the term, sites and channels of a contract."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from .values import Channel, Code, Count, Day, Flag, Name, Part, Positive


def check_municipality_code(value: str) -> str:
    """The sixth digit of 全国地方公共団体コード: weights 6…2 over the first five, 11 − (sum mod 11), last digit."""
    if not (value.isascii() and value.isdigit() and len(value) == 6):
        raise PydanticCustomError("expected", "{what}", {"what": "6 digits"})
    total = sum(int(digit) * weight for digit, weight in zip(value[:5], (6, 5, 4, 3, 2), strict=True))
    digit = str((11 - total % 11) % 10) if total >= 11 else str(11 - total)
    if value[5] != digit:
        raise PydanticCustomError("expected", "{what}", {"what": f"a code whose check digit is {digit}"})
    return value


def check_invoice_registration(value: str) -> str:
    """T and 13 digits, of which the first checks the others: 9 − (weighted sum mod 9), weights 1 and 2 in turn from the right.

    Source: 法人番号の指定等に関する省令 article 2; the registration number of a company is T and its corporate number.
    """
    if not (value[:1] == "T" and len(value) == 14 and value[1:].isascii() and value[1:].isdigit()):
        raise PydanticCustomError("expected", "{what}", {"what": "T and 13 digits"})
    total = sum(int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(value[2:])))
    if int(value[1]) != 9 - total % 9:
        raise PydanticCustomError("expected", "{what}", {"what": f"a number whose check digit is {9 - total % 9}"})
    return value


Phone = Annotated[str, Field(pattern=r"^[0-9][0-9-]{8,14}[0-9]$")]


class Office(Part):
    """The city's office in charge of the card."""

    name: Name = Field(description="担当部署の名称")
    phone: Phone | None = Field(
        None, description="代表電話。仕様書にない場合は仮の値とし、phone_confirmed を false にする"
    )
    phone_confirmed: Flag = Field(False, description="電話番号を市に確認済みか。false の間は画面に「要確認」と表示する")
    email: str | None = Field(None, pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", description="担当部署のメールアドレス")
    postal_code: str | None = Field(None, pattern=r"^\d{3}-\d{4}$", description="郵便番号")
    address: str | None = Field(None, description="所在地")


class City(Part):
    """The principal (委託者)."""

    name: Name = Field(description="市区町村名")
    kana: str = Field(pattern=r"^[ァ-ヴー]+$", description="市区町村名のフリガナ（全角カタカナ）")
    name_en: Name = Field(description="英語の表記")
    municipality_code: Annotated[str, AfterValidator(check_municipality_code)] | None = Field(
        None, description="全国地方公共団体コード（6桁。検査数字を確かめる）"
    )
    office: Office = Field(description="担当部署")


class Contractor(Part):
    """The contractor (受託者)."""

    name: Name = Field("受託者", description="受託者の名称。契約締結後に書き換える")
    invoice_registration: Annotated[str, AfterValidator(check_invoice_registration)] | None = Field(
        None, description="適格請求書発行事業者の登録番号（T＋13桁。検査数字を確かめる）"
    )
    address: str = Field("", description="所在地（請求書に印刷する）")


class Term(Part):
    """Dates of the contract; all inclusive. A start that depends on signing is left out."""

    contract_from: Day | None = Field(None, description="契約期間の初日（契約締結日による場合は書かない）")
    contract_to: Day = Field(description="契約期間の末日")
    preparation_from: Day | None = Field(None, description="準備期間の初日")
    preparation_to: Day | None = Field(None, description="準備期間の末日")
    service_from: Day = Field(description="業務（開設）期間の初日")
    service_to: Day = Field(description="業務（開設）期間の末日")


class Fiscal(Part):
    """How the fiscal year enters into the contract."""

    year_starts_month: Annotated[int, Field(strict=True, ge=1, le=12)] = Field(4, description="会計年度の初月")
    notes: tuple[str, ...] = Field((), description="会計年度についての注記")


class Site(Part):
    """A place where residents come."""

    code: Code = Field(description="場所のコード（変更しない）")
    name: Name = Field(description="場所の名称")
    short_name: str | None = Field(None, max_length=20, description="一覧で使う短い名称")
    name_en: str | None = Field(None, description="英語の名称")
    postal_code: str | None = Field(None, pattern=r"^\d{3}-\d{4}$", description="郵便番号")
    address: str = Field("", description="所在地")
    services: tuple[Code, ...] = Field(min_length=1, description="この場所で扱う手続きのコード")


class ChannelTerms(Part):
    """What the contract says about one channel."""

    label: Name = Field(description="画面での呼び名")
    units: Positive | None = Field(None, description="回線数・窓口数・端末数")
    number: Phone | None = Field(None, description="電話番号（電話の場合）")
    number_confirmed: Flag = Field(False, description="電話番号を市に確認済みか")
    toll_free: Flag = Field(False, description="フリーダイヤルか")
    call_charges_paid_by: Literal["city", "contractor"] = Field("contractor", description="通信料の負担者")


class Channels(Part):
    """Channels that the contract offers; one that is left out is not offered."""

    web: ChannelTerms | None = Field(None, description="Web予約")
    phone: ChannelTerms | None = Field(None, description="電話（コールセンター・電話対応）")
    counter: ChannelTerms | None = Field(None, description="来庁窓口")
    online: ChannelTerms | None = Field(None, description="オンライン窓口（ビデオ通話による遠隔窓口）")

    def offered(self) -> tuple[Channel, ...]:
        """Codes of the channels that are offered."""
        return tuple(code for code in type(self).model_fields if getattr(self, code) is not None)  # type: ignore[misc]


class Outreach(Part):
    """Work at other places for a day (出張申請受付)."""

    enabled: Flag = Field(False, description="出張申請受付を行うか")
    places_per_month_min: Count = Field(0, description="月あたりの箇所数の下限")
    places_per_month_max: Count | None = Field(None, description="月あたりの箇所数の上限")
    weekdays_only: Flag = Field(False, description="平日の開庁日に限るか")
    equipment: tuple[Name, ...] = Field((), description="持って行く機器・用品（出張の日の一覧のはじめの値）")
    forms: tuple[Name, ...] = Field((), description="持って行く用紙（出張の日の控えに、空の用紙として出す）")
    notes: str = Field("", description="注記")
