"""The left navigation of staff pages. Places of coming parts are named and marked as not yet there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from madoguchi.ground.accounts import access
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.contracts.models import Contract


@dataclass(frozen=True)
class Place:
    """One entry: its label, the URL name (None: comes later), who may see it, its shortcut."""

    label: str
    route: str | None
    allowed: frozenset[Role] = access.EVERYONE
    key: str = ""


COUNTER = "窓口"
TELEPHONE = "電話"
"""The group that a contract without telephone work has not."""

NAVIGATION: list[tuple[str, list[Place]]] = [
    (
        "事故・苦情",
        [
            Place("報告する", "incidents:new", access.REPORT_INCIDENTS, "g y"),
            Place("報告の一覧", "incidents:overview", access.EVERYONE, "g h"),
        ],
    ),
    (
        "予約",
        [
            Place("予約を探す・入れる", "callcentre:desk", access.READ_RESIDENTS, "g d"),
            Place("当日の一覧", "office:day", access.READ_RESIDENTS, "g t"),
            Place("予約の一覧・出力", "office:bookings", access.READ_RESIDENTS, "g l"),
            Place("受け渡し", "office:deliveries", access.READ_RESIDENTS, "g r"),
            Place("対応が必要な予約", "office:affected", access.READ_RESIDENTS, "g a"),
            Place("早い日時の空き待ち", "office:waiting", access.READ_RESIDENTS, "g w"),
            Place("定員を超えた枠", "office:excess", access.READ_RESIDENTS),
            Place("市の予約（取り込み分）", "office:visits", access.READ_RESIDENTS),
            Place("市の予約サイトでの代行", "callcentre:external", access.WORK_ON_BOOKINGS),
        ],
    ),
    (
        COUNTER,
        [
            Place("窓口の状況", "counter:overview", access.EVERYONE, "g q"),
            Place("受付機・呼び出しの画面", "counter:terminals", access.LEAD_AT_COUNTER),
            Place("障害への備え", "counter:failure", access.READ_COUNTER),
            Place("案件", "cases:cases", access.READ_COUNTER, "g n"),
            Place("市の審査待ち", "cases:city", access.READ_COUNTER, "g x"),
            Place("案件の数字", "cases:figures", access.READ_COUNTER),
            Place("来庁者数の表", "cases:visitors", access.READ_COUNTER),
            Place("手続きの流れ", "cases:flows", access.READ_COUNTER),
            Place("カードの在庫", "stock:overview", access.READ_COUNTER, "g k"),
            Place("カードを読み取る", "stock:scan", access.WORK_AT_COUNTER, "g j"),
            Place("交付前設定", "stock:batches", access.READ_COUNTER),
            Place("取り出す一覧", "stock:picks", access.READ_COUNTER),
            Place("カードの期限", "stock:ageing", access.READ_COUNTER),
            Place("棚卸", "stock:takings", access.READ_COUNTER),
            Place("作業リスト", "lists:overview", access.READ_COUNTER, "g m"),
            Place("点検・廃棄・出張", "premises:overview", access.READ_COUNTER, "g e"),
            Place("顔写真", "photos:day", access.READ_COUNTER),
        ],
    ),
    (
        TELEPHONE,
        [
            Place("電話対応", "callcentre:console", access.ANSWER_CALLS, "g p"),
            Place("電話の状況", "phone:board", access.EVERYONE),
            Place("着信の一覧", "phone:calls", access.READ_RESIDENTS),
            Place("折り返し", "phone:callbacks", access.READ_CALLS, "g b"),
            Place("応対の記録", "phone:contacts", access.READ_CONTACTS, "g o"),
            Place("二次対応", "phone:second", access.READ_CALLS, "g u"),
            Place("電話の数字（月）", "phone:figures", access.EVERYONE),
            Place("人数の見積もり", "office:staffing", access.EVERYONE),
            Place("電話の流れと案内", "office:phone_flow", access.EVERYONE),
            Place("電話機", "office:telephones", access.MANAGE_TELEPHONES),
        ],
    ),
    (
        "枠と暦",
        [
            Place("予約枠", "office:slots", access.READ_RESIDENTS, "g s"),
            Place("開庁カレンダー", "office:calendar", access.EVERYONE, "g c"),
        ],
    ),
    (
        "報告",
        [
            Place("集計", "reports:figures", access.READ_REPORTS, "g f"),
            Place("日報・月報", "documents:documents", access.READ_REPORTS),
            Place("訂正の依頼", "documents:requests", access.READ_REPORTS),
            Place("提出文書", "papers:papers", access.READ_REPORTS),
            Place("請求書", "billing:invoices", access.READ_MONEY),
            Place("経費の帳簿", "billing:ledger", access.READ_MONEY),
            Place("来庁の見込み", "forecast:outlook", access.READ_FORECAST),
            Place("アンケートの結果", "survey:results", access.READ_SURVEY),
            Place("義務の台帳", "obligations:ledger", access.READ_OBLIGATIONS, "g i"),
        ],
    ),
    (
        "お知らせ",
        [
            Place("メールの文面", "office:templates", access.EDIT_TEXTS),
            Place("送信の記録", "office:messages", access.READ_RESIDENTS),
            Place("サイトの停止", "office:stops", access.EVERYONE),
            Place("手続きの案内", "office:texts", access.EDIT_TEXTS),
            Place("持ち物の表", "office:bring", access.READ_RESIDENTS),
            Place("はがきの番号", "office:cards", access.EDIT_TEXTS),
        ],
    ),
    (
        "管理",
        [
            Place("担当者と権限", "office:staff", access.MANAGE_STAFF),
            Place("APIキー", "office:keys", access.MANAGE_STAFF),
            Place("操作の記録", "office:audit", access.SEE_AUDIT),
            Place("契約の内容", "office:contract", access.EVERYONE),
            Place("引継ぎ・返還・消去", "handover:overview", access.READ_HANDOVER),
        ],
    ),
    (
        "これから",
        [
            Place("オンライン窓口", None),
            Place("FAQ・マニュアル", None),
            Place("シフト・研修", None),
        ],
    ),
]



def staff_navigation(request: HttpRequest, contract: Contract) -> dict[str, Any]:
    """Navigation, contract switcher and account links for the staff frame."""
    booking = contract.profile.booking
    own_site = booking.mode != "external"
    unused = {
        "callcentre:external": own_site,
        "office:visits": own_site,
        "office:cards": booking.notice_check != "list",
        "lists:overview": not contract.profile.work_lists,
        "premises:overview": not (contract.profile.checklists or contract.profile.shredding or contract.profile.outreach.enabled),
        "photos:day": contract.profile.photo is None,
        "survey:results": contract.profile.survey is None,
        "counter:overview": contract.profile.reception is None,
        "counter:terminals": contract.profile.reception is None,
        "counter:failure": contract.profile.reception is None,
    }
    groups = []
    for label, places in NAVIGATION:
        if label == TELEPHONE and contract.profile.telephone is None:
            continue
        items = []
        for place in places:
            route = place.route or ""
            stock, case = route.startswith("stock:"), route.startswith("cases:")
            absent = (stock and contract.profile.cards is None) or (case and "desk" not in contract.profile.modules)
            if not access.may(request, place.allowed) or unused.get(route, False) or absent:
                continue
            url = _address(place.route, contract)
            items.append(
                {
                    "label": place.label,
                    "url": url,
                    "active": bool(url) and request.path == url,
                    "disabled": not url,
                    "hint": "" if url else "準備中",
                    "key": place.key,
                }
            )
        if items:
            groups.append({"label": label, "items": items})
    return {
        "nav": groups,
        "contracts": [
            {
                "name": a.contract.name,
                "url": reverse("office:home", args=[a.contract.code]),
                "active": a.contract_id == contract.pk,
            }
            for a in access.assignments_of(request.user)
        ],
        "role_name": Role(request.assignment.role).label,
        "search_url": _address("callcentre:desk", contract) if access.may(request, access.READ_RESIDENTS) else "",
        "staff_home_url": reverse("office:home", args=[contract.code]),
        "account_links": [("二要素認証", reverse("mfa_index")), ("サインイン中の端末", reverse("usersessions_list"))],
        "logout_url": reverse("account_logout"),
    }


def _address(route: str | None, contract: Contract) -> str:
    """URL of a place; empty for a place that is not built yet."""
    try:
        return reverse(route, args=[contract.code]) if route else ""
    except NoReverseMatch:
        return ""


def account_navigation(request: HttpRequest) -> dict[str, Any]:
    """The frame of pages about one's own account, and of the choice of a contract."""
    places = [
        ("二要素認証", reverse("mfa_index")),
        ("パスワード", reverse("account_change_password")),
        ("サインイン中の端末", reverse("usersessions_list")),
    ]
    items = [{"label": label, "url": url, "active": request.path.startswith(url)} for label, url in places]
    return {
        "nav": [{"label": "アカウント", "items": items}],
        "contracts": [
            {"name": a.contract.name, "url": reverse("office:home", args=[a.contract.code]), "active": False}
            for a in access.assignments_of(request.user)
        ],
        "account_links": places,
        "logout_url": reverse("account_logout"),
    }
