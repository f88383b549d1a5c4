"""What residents can book, how far ahead, and how slots are cut."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Literal

from pydantic import Field

from .fields import FieldRule
from .values import Channel, Clock, Code, Count, Flag, Name, Part, Positive, Share, Span

STANDARD_PROCEDURES: dict[str, str] = {
    "card_pickup": "マイナンバーカードの受取り（交付）",
    "cert_renewal": "電子証明書の更新・新規発行",
    "pin_reset": "暗証番号の再設定",
    "card_application": "マイナンバーカードの申請",
    "card_renewal": "マイナンバーカードの更新申請",
    "express_issuance": "マイナンバーカードの特急発行",
    "health_insurance": "健康保険証利用申込・公金受取口座登録",
    "mynaportal": "マイナポータルの利用支援",
    "other": "その他マイナンバーカードに関すること",
}
"""Japanese names of the procedures that need no ``name`` in a profile."""

class Procedure(Part):
    """A procedure that residents come for."""

    code: Code = Field(description="手続きのコード（変更しない）")
    name: str | None = Field(None, description="名称（標準の手続きは省略できる）")
    minutes: Positive = Field(30, description="所要時間（分）。帯の長さを超えると続きの帯も使う")
    bookable: Flag = Field(True, description="予約の対象とするか")
    notes: str = Field("", description="注記")

    @property
    def title(self) -> str:
        """The Japanese name shown on screens."""
        return self.name or STANDARD_PROCEDURES[self.code]


class Contingent(Part):
    """Places of each band kept for a channel until the release; then they are open to all."""

    places: Positive = Field(description="そのチャネルのために残す件数")
    days_before: Count = Field(1, le=60, description="来庁日の何日前に開放するか（0＝当日）")
    at: Clock = Field(time(12, 0), description="開放する時刻")


class Contingents(Part):
    """Places of each band kept for channels; the rest is open to all."""

    web: Contingent | None = Field(None, description="Web予約のために残す分")
    phone: Contingent | None = Field(None, description="電話予約のために残す分")
    counter: Contingent | None = Field(None, description="窓口・市での予約のために残す分")
    online: Contingent | None = Field(None, description="オンライン窓口のために残す分")

    def parts(self) -> dict[Channel, Contingent]:
        """The contingents that exist, by channel."""
        every: dict[Channel, Contingent | None] = {
            "web": self.web,
            "phone": self.phone,
            "counter": self.counter,
            "online": self.online,
        }
        return {channel: part for channel, part in every.items() if part}


class Pool(Part):
    """Procedures that share seats at a site; weekly patterns are cut from the hours of ``channel``."""

    code: Code = Field(description="予約枠の組のコード（変更しない）")
    name: str | None = Field(None, description="名称")
    site: Code = Field(description="場所")
    procedures: tuple[Code, ...] = Field(min_length=1, description="枠を共有する手続き")
    channel: Channel = Field("counter", description="どのチャネルの開設時間から枠を作るか")
    capacity: Positive = Field(description="1つの帯に予約できる件数")
    band_minutes: Positive = Field(30, le=480, description="帯の長さ（分）")
    breaks: tuple[Span, ...] = Field((), description="枠を作らない時間帯（昼休みなど）")
    contingents: Contingents = Field(Contingents(), description="チャネルごとに残す件数と、開放する時")


class Cutoff(Part):
    """The last moment for something before a visit: ``at`` o'clock on a day before, or minutes before."""

    days_before: Count = Field(1, le=60, description="来庁日の何日前まで（0＝当日）")
    at: Clock = Field(time(17, 0), description="その日の何時まで")
    minutes_before: Count | None = Field(None, description="来庁時刻の何分前まで（指定するとこちらを使う）")

    def latest(self, visit: datetime) -> datetime:
        """The last moment (inclusive), never after the visit itself; ``visit`` keeps its time zone."""
        if self.minutes_before is not None:
            return visit - timedelta(minutes=self.minutes_before)
        day = visit.date() - timedelta(days=self.days_before)
        return min(visit, datetime.combine(day, self.at, tzinfo=visit.tzinfo))


class Window(Part):
    """How far ahead, and until when, a visit can be booked and changed by residents."""

    open_days_ahead: Positive = Field(60, le=400, description="何日先まで予約できるか")
    opens_at: Clock = Field(time(0, 0), description="新しい予約日を公開する時刻")
    web_lead: Cutoff = Field(Cutoff(), description="Web予約の締切")
    staff_lead: Cutoff = Field(Cutoff(minutes_before=0), description="電話・窓口での予約の締切")
    change_until: Cutoff = Field(Cutoff(), description="市民による変更・追加の締切")
    cancel_until: Cutoff = Field(Cutoff(minutes_before=0), description="市民による取消しの締切")


class FewLeft(Part):
    """When a band shows △ instead of ○: seats left ≤ ``count`` or ≤ ``share`` of the capacity."""

    count: Count = Field(2, description="残りがこの件数以下なら△")
    share: Share = Field(0.2, description="残りが定員のこの割合以下なら△")

    def applies(self, left: int, capacity: int) -> bool:
        """Whether △ is shown for ``left`` of ``capacity`` seats (0 left is ×, never △)."""
        if left <= 0:
            return False
        return (left <= self.count and left < capacity) or left <= capacity * self.share


class Reminder(Part):
    """The mail before the visit."""

    enabled: Flag = Field(True, description="リマインドメールを送るか")
    days_before: Positive = Field(1, description="来庁日の何日前に送るか")
    at: Clock = Field(time(17, 0), description="送信時刻")


class Waiting(Part):
    """The list of booked parties that would rather come earlier."""

    enabled: Flag = Field(True, description="早い日時を待てるようにするか")
    answer_minutes: Positive = Field(180, le=2880, description="返事を待つ時間（分）。日中（8時〜20時）だけを数える")
    most_missed: Positive = Field(3, le=20, description="返事のない案内がこの回数になったら待つのを終える")


class Notices(Part):
    """Ways of notices beside mail."""

    sms: Flag = Field(False, description="メールのない方の携帯電話にSMSで知らせるか（サーバーにSMSの設定があるときだけ送る）")
    line: str | None = Field(
        None,
        pattern=r"^@[0-9a-z._-]{2,20}$",
        description="希望する方にLINEで知らせるときの、市のLINE公式アカウントのID（サーバーにLINEの設定があるときだけ送る。なければ使わない）",
    )


class External(Part):
    """A reservation site that the city owns."""

    label: Name = Field(description="サイトの名称")
    url: str = Field(pattern=r"^https?://\S+$", description="サイトのURL")
    url_confirmed: Flag = Field(False, description="URLを市に確認済みか")


class Booking(Part):
    """Reservation. ``mode`` alone switches between our site and one that the city owns."""

    mode: Literal["own", "external"] = Field("own", description="own＝本システムで予約、external＝市の予約サイトを使う")
    external: External | None = Field(None, description="市の予約サイト（mode = external のとき必須）")
    window: Window = Field(Window(), description="予約できる期間と締切")
    hold_minutes: Positive = Field(10, le=60, description="入力中に枠を確保しておく時間（分）")
    few_left: FewLeft = Field(FewLeft(), description="△（残りわずか）の基準")
    max_people: Positive = Field(5, le=20, description="1回の予約の人数の上限")
    spread: Count = Field(2, le=10, description="同時予約で使える隣り合う帯の数（0＝同じ帯のみ）")
    duplicates: Literal["allow", "warn", "block"] = Field(
        "warn", description="同じ人の重複予約の扱い（allow＝許可、warn＝警告、block＝拒否）"
    )
    rest_minutes: Count = Field(
        0, le=1440, description="取り消された枠をすぐには公開せずに置く時間（分）。0＝すぐ公開（空き待ちの人がいる間は2分置く）"
    )
    waiting: Waiting = Field(Waiting(), description="早い日時の空き待ち")
    notice_check: Literal["none", "format", "list"] = Field(
        "format",
        description="はがきの番号の確かめ方（none＝確かめない、format＝形だけ、list＝市が登録した一覧と生年月日で照合）",
    )
    max_active_per_phone: Positive = Field(5, description="同じ電話番号で同時に持てる予約の数")
    reminder: Reminder = Field(Reminder(), description="リマインドメール")
    fields: tuple[FieldRule, ...] = Field(
        (
            FieldRule(code="name", required=True),
            FieldRule(code="kana", required=True),
            FieldRule(code="phone", required=True),
            FieldRule(code="email"),
            FieldRule(code="birth_date"),
            FieldRule(code="who"),
            FieldRule(code="situations"),
            FieldRule(code="needs"),
        ),
        description="予約時に入力を求める項目（順序どおりに表示）",
    )

    def field(self, code: str) -> FieldRule | None:
        """The rule of an input field; None when the form does not ask for it."""
        return next((rule for rule in self.fields if rule.code == code), None)
