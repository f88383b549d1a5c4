"""What the contractor owes: figures to reach, people to place, papers to hand in, and how it is paid."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

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


Rule = Literal[
    "day_of_next_month",
    "last_business_day",
    "month_end",
    "on_dates",
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
    "keep_years",
]


class Due(Part):
    """When something is due. Which further keys are needed depends on ``rule``; ``domain/obligations/rules.py`` works out the days."""

    rule: Rule = Field(
        description=(
            "期限の規則。day_of_next_month＝翌月のday日、last_business_day＝月の最終開庁日、month_end＝月末に数える（threshold）、"
            "on_dates＝決めた日、daily＝毎日、weekly＝週に1回、yearly・times_a_year＝会計年度にtimes回（年度をtimesに等分）、"
            "before_service＝業務開始のdays日前、end_of_term＝契約の終了（のdays日後）、keep_years＝完了した年度の終了後years年の保存、"
            "with_report＝報告書とあわせて。できごとを記録したときに期限が決まるもの："
            "before_change＝変更のdays日前、on_change＝できごとのdays日後、at_once＝その日、on_request・agreed＝市が指定した（合意した）日"
        )
    )
    day: Positive | None = Field(None, le=31, description="翌月の何日まで（day_of_next_month）")
    days: Count | None = Field(None, description="何日前・何日後（before_service・before_change・on_change・end_of_term）")
    times: Positive | None = Field(None, description="年間の回数（times_a_year・yearly）。12を割り切る数")
    years: Positive | None = Field(None, description="保存の年数（keep_years）")
    dates: tuple[Day, ...] = Field((), description="決めた日（on_dates）")
    report: Code | None = Field(None, description="あわせて提出する報告書（with_report）")
    closed: Literal["as_is", "before", "after"] = Field(
        "as_is", description="期限が閉庁日のとき：as_is＝動かさない、before＝前の開庁日、after＝次の開庁日"
    )
    exceptions: tuple[DueException, ...] = Field((), description="特定の月だけの期限（閉庁日でも動かさない）")


class Threshold(Part):
    """A figure that has to be reached in every month of the service."""

    measure: Code = Field(description="集計の数字のコード。contract_answer_rate は、電話の定義（telephone.definitions）の最初の応答率")
    compare: Literal["at_least", "at_most"] = Field("at_least", description="at_least＝以上、at_most＝以下")
    value: Annotated[float, Field(ge=0)] = Field(description="基準の値。割合は0〜1")
    per: Literal["month"] = Field("month", description="数える期間")


class Proof(Part):
    """What shows that a duty was met."""

    kind: Literal["document", "file", "fact", "none"] = Field(
        "document",
        description="document＝文書や記録の名前を入力、file＝提出したファイルのSHA-256も記録、fact＝作業の記録から自動、none＝証拠を求めない（つねに守る）",
    )
    fact: str | None = Field(None, pattern=r"^[a-z]+\.[a-z_]+$", description="作業の記録の種類（fact）")
    outcome: str | None = Field(None, max_length=24, description="その記録の結果（省略すると、どれでも）")


class Duty(Part):
    """Something to hand in, to do or to reach, with its due rule. The ledger of obligations lists every one."""

    code: Code = Field(description="コード（変更しない。台帳の記録が指す）")
    name: Name = Field(description="名称")
    due: Due = Field(description="期限")
    threshold: Threshold | None = Field(None, description="届くべき数字（due.rule は month_end）")
    proof: Proof = Field(Proof(), description="履行の証拠")
    who: Literal["leader", "manager", "city"] = Field("manager", description="行う人：leader＝リーダー、manager＝業務責任者、city＝市")
    remind_days: tuple[Count, ...] = Field((7, 1), description="期限の何日前にメールで知らせるか")
    approval: Flag = Field(False, description="市の承認・承諾を要するか")
    form: Literal["city", "free", "agreed"] = Field(
        "free", description="様式（city＝市の指定、free＝任意、agreed＝協議）"
    )
    contents: tuple[str, ...] = Field((), description="記載する項目")
    source: str = Field("", description="仕様書の箇所")


class ReportSection(Part):
    """A table of a report: some measures over its period, split by one dimension or not at all."""

    title: Name = Field(description="表の見出し")
    measures: tuple[Code, ...] = Field(min_length=1, description="数字のコード（「集計」の数字と同じ）")
    by: Literal["day", "hour", "site", "channel", "procedure", "language", "outcome", "booked", "kind"] | None = Field(
        None, description="分け方（省略すると期間の合計だけ）"
    )


class ReportPassage(Part):
    """A text of a report or of a paper, and what of it the program writes beforehand."""

    code: Code = Field(description="コード")
    title: Name = Field(description="見出し")
    draft: Literal[
        "figures", "opening", "incidents", "by_hand", "outline", "structure", "staffing", "duties", "trainings", "delivered", "breaches"
    ] = Field(
        "by_hand",
        description=(
            "下書き（figures＝数字から、by_hand＝人が書く。日報・月報では opening＝開庁の記録から、incidents＝事故・障害・苦情の報告から。"
            "文書では outline＝契約の概要、structure＝体制図と名簿、staffing＝配置人数、duties＝義務と期限、trainings＝研修の記録、"
            "delivered＝提出した月報、breaches＝期限や基準に届かなかったもの）"
        ),
    )


class ReportDuty(Duty):
    """A report. One with a ``period`` is made of figures by the program, one with ``passages`` alone is a paper that people write on a draft;
    the others are handed in as they are.
    """

    period: Literal["day", "month"] | None = Field(None, description="日報・月報なら、その期間。数字から自動で作る")
    sections: tuple[ReportSection, ...] = Field((), description="数字の表（period があるとき）")
    passages: tuple[ReportPassage, ...] = Field((), description="文章の欄。period がなければ、この欄だけの文書（計画書・体制図など）になる")
    signed_by: tuple[Literal["supervisor", "manager"], ...] = Field(
        ("manager",), min_length=1, description="確定（署名）できる役割"
    )


class Charge(Part):
    """A line of the invoice."""

    code: Code = Field(description="コード")
    name: Name = Field(description="請求の項目名")
    unit: Literal["month", "quarter", "day", "instalment", "final"] = Field(description="単価の単位")
    unit_price: Count | None = Field(
        None, description="単価（円、prices に従い税抜または税込）。契約書で決まった後に記入する。final には書かない"
    )
    role: Code | None = Field(None, description="実働日数を数える役割（unit = day）")
    tax_rate: Decimal | None = Field(
        None, ge=0, le=1, description="この項目だけ異なる税率（軽減税率など。省略すると payment の税率）"
    )


class TaxChange(Part):
    """A day from which the rate of consumption tax differs."""

    first: Day = Field(description="新しい税率の初日")
    rate: Decimal = Field(ge=0, le=1, description="消費税及び地方消費税の率")


class Payment(Part):
    """How the fee is charged and paid."""

    kind: Literal["monthly_fixed", "monthly_and_daily", "daily", "quarterly_fixed", "instalments"] = Field(description="支払いの方式")
    charges: tuple[Charge, ...] = Field(min_length=1, description="請求の内訳")
    prices: Literal["net", "gross"] = Field("net", description="単価・契約金額の税の扱い（net＝税抜、gross＝税込）")
    instalments: Positive | None = Field(None, description="部分払いの回数（instalments。ほかに完了払い1回）")
    contract_sum: Count | None = Field(None, description="契約金額（円、prices に従う。instalments の完了払いは、ここから部分払いを引いた残り）")
    days_to_pay: Positive = Field(30, description="請求書の受理から支払いまでの日数（受理の日は数えない）")
    due_on_closed: Literal["as_is", "before", "after"] = Field(
        "after", description="支払期限が土日・祝日・年末年始に当たるとき（as_is＝そのまま、before＝前の平日、after＝次の平日）"
    )
    inspection_required: Flag = Field(True, description="検査に合格した後に請求するか")
    inspected_reports: tuple[Code, ...] = Field((), description="検査に合格していなければならない報告書のコード")
    partial_day: Literal["full", "half", "none"] = Field("full", description="途中で閉庁・開庁した日の実働日数（full＝1日、half＝半日、none＝0日）")
    tax_rate: Decimal = Field(Decimal("0.10"), ge=0, le=1, description="消費税及び地方消費税の率")
    tax_changes: tuple[TaxChange, ...] = Field((), description="税率が変わる日と新しい税率（日の順）")
    tax_rounding: Literal["floor", "half_up", "ceil"] = Field("floor", description="消費税の端数処理（請求書ごと・税率ごとに1回）")
    bank: str = Field("", max_length=200, description="振込先（請求書にそのまま印刷する）")
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
