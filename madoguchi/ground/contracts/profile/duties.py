"""What the contractor owes: figures to reach, people to place, papers to hand in, and how it is paid."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from pydantic import Field

from .values import Channel, Code, Count, Day, Flag, Name, Part, Positive, Share, Span


class Volume(Part):
    """An expected quantity that planning starts from."""

    item: Code = Field(description="項目のコード（手続きのコードなど）")
    name: Name = Field(description="項目名")
    count: Count = Field(description="件数")
    per: Literal["month", "term"] = Field("month", description="月あたりか、業務期間全体か")
    source: str = Field("", description="仕様書の箇所")


class Kpis(Part):
    """Thresholds and expected load."""

    answer_rate: Share | None = Field(None, description="オペレーターの応答率の下限（0〜1）")
    calls_per_month: Count | None = Field(None, description="一月あたりの想定入電件数")
    population: Count | None = Field(None, description="人口")
    cards_held: Count | None = Field(None, description="カード保有枚数")
    volumes: tuple[Volume, ...] = Field((), description="想定件数")


class Staffing(Part):
    """A minimum number of people in a role."""

    role: Code = Field(description="役割のコード")
    name: Name = Field(description="役割名")
    minimum: Positive = Field(description="最低人数")
    maximum: Positive | None = Field(None, description="想定人数の上限")
    site: Code | None = Field(None, description="場所（省略すると契約全体）")
    channel: Channel | None = Field(None, description="このチャネルの開設時間中に必要")
    per: Literal["hours", "day", "unit", "contract"] = Field(
        "hours", description="hours＝開設時間中つねに、day＝1日あたり、unit＝窓口・端末1つあたり、contract＝体制として"
    )
    except_spans: tuple[Span, ...] = Field((), description="配置を要しない時間帯（昼休憩など）")
    source: str = Field("", description="仕様書の箇所")


class DueException(Part):
    """A period whose due date differs."""

    period: str = Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$", description="対象の月（YYYY-MM）")
    date: Day = Field(description="期限の日")


class Due(Part):
    """When something is due. Which further keys are needed depends on ``rule``."""

    rule: Literal[
        "day_of_next_month",
        "daily",
        "weekly",
        "yearly",
        "times_a_year",
        "at_once",
        "before_service",
        "before_change",
        "with_report",
        "on_request",
        "agreed",
        "on_change",
        "end_of_term",
    ] = Field(description="期限の規則")
    day: Positive | None = Field(None, le=31, description="翌月の何日まで（day_of_next_month）")
    days: Count | None = Field(None, description="何日前まで（before_service・before_change）")
    times: Positive | None = Field(None, description="年間の回数（times_a_year・yearly）")
    report: Code | None = Field(None, description="あわせて提出する報告書（with_report）")
    exceptions: tuple[DueException, ...] = Field((), description="特定の月だけの期限")


class Duty(Part):
    """Something to hand in or to do, with its due rule."""

    code: Code = Field(description="コード")
    name: Name = Field(description="名称")
    due: Due = Field(description="期限")
    approval: Flag = Field(False, description="市の承認・承諾を要するか")
    form: Literal["city", "free", "agreed"] = Field(
        "free", description="様式（city＝市の指定、free＝任意、agreed＝協議）"
    )
    contents: tuple[str, ...] = Field((), description="記載する項目")
    source: str = Field("", description="仕様書の箇所")


class Charge(Part):
    """A line of the invoice."""

    code: Code = Field(description="コード")
    name: Name = Field(description="請求の項目名")
    unit: Literal["month", "day", "instalment", "final"] = Field(description="単価の単位")
    unit_price: Count | None = Field(None, description="税抜単価（円）。契約書で決まった後に記入する")
    role: Code | None = Field(None, description="実働日数を数える役割（unit = day）")


class Payment(Part):
    """How the fee is charged and paid."""

    kind: Literal["monthly_fixed", "monthly_and_daily", "instalments"] = Field(description="支払いの方式")
    charges: tuple[Charge, ...] = Field(min_length=1, description="請求の内訳")
    instalments: Positive | None = Field(None, description="部分払いの回数（instalments。ほかに完了払い1回）")
    days_to_pay: Positive = Field(30, description="請求書の受理から支払いまでの日数")
    inspection_required: Flag = Field(True, description="検査に合格した後に請求するか")
    partial_day_counts: Flag = Field(True, description="途中で閉庁・開庁した日を実働1日と数えるか")
    tax_rate: Decimal = Field(Decimal("0.10"), ge=0, le=1, description="消費税及び地方消費税の率")
    tax_rounding: Literal["floor", "half_up", "ceil"] = Field("floor", description="消費税の端数処理")
    source: str = Field("", description="仕様書の箇所")


class Retention(Part):
    """How long records are kept. Facts without personal data stay."""

    resident_days_after_visit: Positive = Field(90, description="来庁日から市民の個人情報を消去するまでの日数")
    mail_log_days: Positive = Field(90, description="メール送信記録の宛先を消去するまでの日数")
    delivery_days: Positive = Field(30, description="受け渡しのファイルを作ってから消去するまでの日数")
    audit_years: Positive = Field(3, description="監査記録の保存年数")
    books_years: Positive = Field(5, description="帳簿の保存年数（完了した年度の終了後）")
    at_end: Literal["return", "erase", "return_and_erase"] = Field(
        "return_and_erase", description="契約終了時の個人情報の扱い"
    )
    source: str = Field("", description="仕様書の箇所")
