"""The whole profile, and look-ups in it."""

from __future__ import annotations

from typing import Literal, TypeVar

from pydantic import Field

from .booking import Booking, Notices, Pool, Procedure
from .cards import Cards
from .cases import Cases
from .duties import Duty, Kpis, Payment, ReportDuty, Retention, Staffing
from .forecast import Forecast
from .hours import Hours, StopRule, YearEnd
from .incidents import Incidents
from .parties import Channels, City, Contractor, Fiscal, Outreach, Site, Term
from .premises import Checklist, Photo, Shredding
from .reception import Reception
from .survey import Survey
from .telephone import Telephone
from .values import Channel, Code, Language, Name, Part
from .worklists import WorkList

Module = Literal[
    "booking",
    "calls",
    "online",
    "desk",
    "cards",
    "knowledge",
    "workforce",
    "reports",
    "billing",
    "equipment",
    "surveys",
]


Item = TypeVar("Item", Site, Procedure, Pool)


class Profile(Part):
    """All that was agreed with one city. Loaded by :func:`load_profile`, never changed by the program."""

    code: Code = Field(description="契約のコード（ファイル名と同じ）")
    title: Name = Field(description="業務名")
    city: City = Field(description="委託者（市）")
    contractor: Contractor = Field(Contractor(), description="受託者")
    term: Term = Field(description="期間")
    fiscal: Fiscal = Field(Fiscal(), description="会計年度")
    modules: tuple[Module, ...] = Field(min_length=1, description="この契約で使う機能")
    languages: tuple[Language, ...] = Field(
        ("ja", "ja-easy", "en", "zh-hans", "ko", "vi", "pt", "fil", "ne", "es"), description="市民に提供する言語"
    )
    default_language: Language = Field("ja", description="最初に表示する言語")
    sites: tuple[Site, ...] = Field(min_length=1, description="履行場所")
    channels: Channels = Field(description="チャネル")
    hours: tuple[Hours, ...] = Field(min_length=1, description="開設時間")
    year_end: YearEnd = Field(YearEnd(), description="年末年始の休業")
    stops: tuple[StopRule, ...] = Field((), description="全国システムの停止")
    outreach: Outreach = Field(Outreach(), description="出張申請受付")
    telephone: Telephone | None = Field(None, description="電話対応（なければ省略）")
    cards: Cards | None = Field(None, description="カードの在庫（なければ省略）")
    reception: Reception | None = Field(None, description="窓口の受付と順番待ち（なければ省略）")
    cases: Cases = Field(Cases(), description="窓口の案件")
    procedures: tuple[Procedure, ...] = Field(min_length=1, description="手続き")
    booking: Booking = Field(Booking(), description="予約")
    notices: Notices = Field(Notices(), description="お知らせ")
    pools: tuple[Pool, ...] = Field((), description="予約枠の組")
    work_lists: tuple[WorkList, ...] = Field((), description="市がファイルで渡す作業リスト")
    checklists: tuple[Checklist, ...] = Field((), description="始業・終業・週ごとの点検表")
    shredding: Shredding | None = Field(None, description="保管文書の廃棄（なければ省略）")
    photo: Photo | None = Field(None, description="申請用の顔写真（なければ省略）")
    survey: Survey | None = Field(None, description="来庁者アンケート（なければ省略）")
    kpis: Kpis = Field(Kpis(), description="指標と想定件数")
    forecast: Forecast = Field(Forecast(), description="来庁の見込み")
    staffing: tuple[Staffing, ...] = Field((), description="人員の配置")
    reports: tuple[ReportDuty, ...] = Field((), description="報告書・提出物")
    obligations: tuple[Duty, ...] = Field((), description="報告書のほかの、期限や基準のある義務")
    incidents: Incidents = Field(description="事故・障害・苦情・個人情報の漏えい等")
    payment: Payment = Field(description="委託料の支払い")
    retention: Retention = Field(Retention(), description="保存と消去")

    @property
    def phone_number(self) -> str:
        """The number residents call: of the call centre, else of the city's office; empty when none is known."""
        phone = self.channels.phone
        return (phone.number if phone else None) or self.city.office.phone or ""

    def site(self, code: str) -> Site:
        """The site of that code. Raises :class:`KeyError`."""
        return _find(self.sites, code)

    def procedure(self, code: str) -> Procedure:
        """The procedure of that code. Raises :class:`KeyError`."""
        return _find(self.procedures, code)

    def pool(self, code: str) -> Pool:
        """The pool of that code. Raises :class:`KeyError`."""
        return _find(self.pools, code)

    def work_list(self, code: str) -> WorkList | None:
        """The work list of that code; ``None`` when there is none."""
        return next((one for one in self.work_lists if one.code == code), None)

    def checklist(self, code: str) -> Checklist | None:
        """The checklist of that code; ``None`` when there is none."""
        return next((one for one in self.checklists if one.code == code), None)

    def duty(self, code: str) -> Duty | None:
        """The duty of that code; ``None`` when there is none."""
        return next((one for one in self.obligations if one.code == code), None)

    def hours_for(self, site: str, channel: str) -> Hours | None:
        """The block of hours for a channel at a site; ``None`` where the contract does not offer it."""
        for block in self.hours:
            if channel in block.channels and (not block.sites or site in block.sites):
                return block
        return None

    def phone_site(self) -> str | None:
        """The site whose hours for ``phone`` the telephone keeps; ``None`` where no hours are agreed."""
        return next((site.code for site in self.sites if self.hours_for(site.code, "phone")), None)

    def channels_at(self, site: str) -> tuple[Channel, ...]:
        """Channels with hours at a site."""
        return tuple(channel for channel in self.channels.offered() if self.hours_for(site, channel))

    def procedures_at(self, site: str, bookable_only: bool = False) -> tuple[Procedure, ...]:
        """Procedures offered at a site, in the order of the profile."""
        offered = self.site(site).services
        return tuple(p for p in self.procedures if p.code in offered and (p.bookable or not bookable_only))

    def pools_at(self, site: str) -> tuple[Pool, ...]:
        """Pools of a site, in the order of the profile."""
        return tuple(pool for pool in self.pools if pool.site == site)

    def pool_for(self, site: str, procedure: str) -> Pool | None:
        """The pool whose seats a procedure takes at a site."""
        return next((pool for pool in self.pools_at(site) if procedure in pool.procedures), None)


def _find(items: tuple[Item, ...], code: str) -> Item:
    for item in items:
        if item.code == code:
            return item
    raise KeyError(code)
