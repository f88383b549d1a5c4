"""What the style page shows: every component with plausible, invented values. No database, no clock."""

from __future__ import annotations

import calendar
import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.paginator import Paginator

from madoguchi.web.ui.dates import DatePartsField

JST = ZoneInfo("Asia/Tokyo")
NOW = dt.datetime(2026, 10, 1, 14, 22, tzinfo=JST)


class HintedRadio(forms.RadioSelect):
    """Radio buttons with a line of explanation under some choices (``hints``: value → text)."""

    hints: dict[str, str] = {}


class KitForm(forms.Form):
    who = forms.ChoiceField(
        label="窓口に来る人",
        choices=[("self", "本人"), ("legal", "15歳未満の子と親"), ("agent", "代理人")],
        widget=HintedRadio,
        help_text="来る人によって、持ってくるものが変わります。",
    )
    who.widget.hints = {"agent": "本人が来られない理由が必要です。"}
    name = forms.CharField(label="氏名", help_text="漢字が出ないときは、カタカナで入力してください。", max_length=50)
    kana = forms.CharField(
        label="フリガナ", help_text="例：マドグチ　ハナコ", widget=forms.TextInput(attrs={"data-kana": ""})
    )
    birth = DatePartsField(label="生年月日", eras=True, birth=True, help_text="例：昭和60年3月4日")
    phone = forms.CharField(
        label="電話番号",
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel", "data-digits": ""}),
        max_length=20,
    )
    mail = forms.EmailField(label="メールアドレス", required=False, help_text="予約の控えと前日のお知らせが届きます。")
    people = forms.ChoiceField(label="人数", choices=[(str(n), str(n)) for n in range(1, 6)])
    needs = forms.MultipleChoiceField(
        label="お手伝いが必要なこと",
        required=False,
        choices=[("write", "筆談"), ("sign", "手話通訳"), ("chair", "車いす"), ("plain", "やさしい日本語")],
        widget=forms.CheckboxSelectMultiple,
    )
    note = forms.CharField(label="伝えておきたいこと", required=False, widget=forms.Textarea(attrs={"rows": 3}))
    consent = forms.BooleanField(label="個人情報の取り扱いに同意します", help_text="予約のためだけに使います。")


class StaffKitForm(forms.Form):
    kana = forms.CharField(label="フリガナ", widget=forms.TextInput(attrs={"data-kana": ""}))
    phone = forms.CharField(label="電話番号")
    birth = DatePartsField(label="生年月日", eras=True)
    procedure = forms.ChoiceField(
        label="手続き",
        choices=[
            ("card_pickup", "カードの受け取り"),
            ("cert_renewal", "電子証明書の更新"),
            ("pin_reset", "暗証番号の再設定"),
        ],
    )
    when = forms.ChoiceField(
        label="午前・午後", choices=[("am", "午前"), ("pm", "午後"), ("any", "どちらでも")], widget=forms.RadioSelect
    )
    memo = forms.CharField(label="メモ", required=False, widget=forms.Textarea(attrs={"rows": 2}))


def month(year: int, number: int) -> dict[str, Any]:
    """A month in the shape that ``ui/components/calendar.html`` wants."""
    weeks = []
    for week in calendar.Calendar(firstweekday=6).monthdatescalendar(year, number):
        days = []
        for day in week:
            holiday = "スポーツの日" if (day.month, day.day) == (10, 12) else ""
            closed = day.weekday() >= 5 or bool(holiday) or day <= NOW.date()
            mark = "closed" if closed else ("open", "few", "full", "open", "open")[(day.day * 7) % 5]
            days.append(
                {
                    "number": day.day,
                    "iso": day.isoformat(),
                    "label": f"{day.month}月{day.day}日 {'月火水木金土日'[day.weekday()]}曜日",
                    "url": "" if closed else f"#{day.isoformat()}",
                    "mark": mark,
                    "left": {"few": 2, "open": 14}.get(mark, 0),
                    "kind": "hol" if holiday else {5: "sat", 6: "sun"}.get(day.weekday(), ""),
                    "holiday": holiday,
                    "today": day == NOW.date(),
                    "selected": day.day == 22,
                    "out": day.month != number,
                }
            )
        weeks.append(days)
    return {
        "title": f"{year}年{number}月",
        "prev_url": "",
        "next_url": "#next",
        "snapshot_url": "",
        "version": 1,
        "weeks": weeks,
    }


def kit_context(*, staff: bool = False) -> dict[str, Any]:
    """Context of ``ui/kit.html``, or of ``ui/kit_staff.html`` when ``staff``."""
    empty = dict.fromkeys(KitForm.base_fields, "")
    wrong = KitForm(
        {
            **empty,
            "name": "窓口　花子",
            "birth_era": "showa",
            "birth_year": "70",
            "birth_month": "3",
            "birth_day": "4",
            "phone": "090",
        }
    )
    slots = [
        {
            "time": f"{9 + n // 2}:{n % 2 * 3}0〜{9 + (n + 1) // 2}:{(n + 1) % 2 * 3}0",
            "mark": m,
            "left": left,
            "url": "#s",
            "value": n,
            "checked": n == 3,
        }
        for n, (m, left) in enumerate([("open", 8), ("few", 2), ("full", 0), ("open", 6), ("few", 1), ("closed", 0)])
    ]
    steps = [
        {"label": label, "state": state}
        for label, state in [
            ("手続き", "done"),
            ("人数・来る人", "done"),
            ("日時", "current"),
            ("連絡先", "todo"),
            ("確認", "todo"),
        ]
    ]
    common: dict[str, Any] = {
        "demo": True,
        "demo_now": NOW,
        "now": NOW,
        "hold_expires": NOW + dt.timedelta(minutes=9, seconds=42),
        "calendar": month(2026, 10),
        "slots": slots,
        "steps": steps,
        "page": Paginator(range(400), 20).page(7),
        "bars": [
            (f"{hour}時", value, value + 6 - hour % 4)
            for hour, value in zip(range(9, 18), (18, 31, 27, 12, 9, 22, 25, 19, 7), strict=True)
        ],
        "rates": [("1人", 55, 62), ("2人", 71, 84), ("3人", 74, 96), ("4人", None, 99)],
        "rate_series": ["いまの回線数", "回線が足りるとき"],
        "shares": [0.9, 0.84, 0.79, None, 0.88, 0.91, 0.86, 0.82, 0.95],
        "tabs": [
            {"label": "予約", "url": "#a", "active": True, "count": 24},
            {"label": "問い合わせ", "url": "#b", "count": 3},
            {"label": "変更の記録", "url": "#c", "count": None},
        ],
    }
    if staff:
        return common | {
            "contracts": [{"name": "見本市", "url": "#1", "active": True}, {"name": "手本市", "url": "#2"}],
            "contract": {"code": "sample", "name": "見本市"},
            "role_name": "オペレーター",
            "search_url": "#search",
            "nav": [
                {
                    "label": "予約",
                    "items": [
                        {"label": "今日の予約", "url": "#t", "active": True, "key": "t"},
                        {"label": "予約を取る", "url": "#n", "key": "n"},
                        {"label": "枠の設定", "url": "#s"},
                    ],
                },
                {
                    "label": "電話",
                    "items": [{"label": "応対の記録", "url": "#c"}, {"label": "折り返し", "url": "#b", "hint": "3件"}],
                },
                {
                    "label": "管理",
                    "items": [{"label": "月次報告", "url": "", "disabled": True, "hint": "権限がありません"}],
                },
            ],
            "form": StaffKitForm(initial={"when": "am"}),
            "rows": [
                ("9:00", "マドグチ　ハナコ", "カードの受け取り", 1, "web", "ok", "来庁済み"),
                ("9:00", "スズキ　イチロウ", "電子証明書の更新", 2, "phone", "info", "予約"),
                ("9:30", "グエン　ティ　ラン", "カードの受け取り", 4, "web", "warn", "要確認"),
                ("10:00", "ヤマモト　タケシ", "暗証番号の再設定", 1, "counter", "done", "取消"),
                ("10:30", "リ　メイ", "申請", 1, "phone", "bad", "来庁なし"),
            ],
        }
    return common | {
        "contract": {"code": "sample", "name": "見本市"},
        "languages": [
            ("ja", "日本語", "#ja"),
            ("ja-easy", "やさしい日本語", "#je"),
            ("en", "English", "#en"),
            ("zh-hans", "简体中文", "#zh"),
            ("ko", "한국어", "#ko"),
            ("vi", "Tiếng Việt", "#vi"),
        ],
        "call_centre": {
            "phone": "0120-000-000",
            "phone_href": "tel:0120000000",
            "hours": "平日 8:30〜17:15（祝日・年末年始を除く）",
            "fax": "",
        },
        "footer_links": [
            ("予約の確認・変更", "#lookup"),
            ("よくある質問", "#faq"),
            ("個人情報の取り扱い", "#privacy"),
            ("アクセシビリティ", "#a11y"),
        ],
        "lookup_url": "#lookup",
        "crumbs": [("最初のページ", "#home"), ("予約する", "#reserve"), ("日時を選ぶ", "")],
        "form": KitForm(initial={"who": "self", "people": "2"}),
        "wrong": wrong,
    }
