"""Refusals of deeds, each with a sentence that says what to do next."""

from __future__ import annotations

from django.utils.translation import gettext as _

from .rules import Refusal


class Refused(Exception):
    """A deed that was not done, and why. Nothing was changed."""

    def __init__(self, reason: Refusal, **values: object) -> None:
        super().__init__(reason)
        self.reason = reason
        self.values = values

    @property
    def message(self) -> str:
        """What happened and what to do next, in the language of the reader."""
        return message_of(self.reason) % self.values if self.values else message_of(self.reason)


class ListError(ValueError):
    """A deed on lists that cannot be done; the message says why and what to do, in Japanese, for staff."""


class ImportRefused(ValueError):
    """Visits of the city's site that were not taken in; the message says why and what to do, in Japanese, for staff."""


def message_of(reason: Refusal) -> str:
    """The sentence of a refusal."""
    match reason:
        case Refusal.NOT_LIVE:
            return _("この予約はすでに取り消されているか、期限が切れています。あらためて予約してください。")
        case Refusal.TOO_LATE:
            return _("この日時の受付は締め切りました。別の日時を選ぶか、お電話ください。")
        case Refusal.HOLD_EXPIRED:
            return _("確保していた時間が過ぎました。入力した内容は残っています。日時をもう一度選んでください。")
        case Refusal.TOO_MANY_PEOPLE:
            return _("一度に予約できる人数を超えています。人数を減らすか、予約を分けてください。")
        case Refusal.NO_PEOPLE:
            return _("予約する人を1人以上選んでください。")
        case Refusal.NOT_OPEN_YET:
            return _("この日はまだ予約の受付を始めていません。受付中の日から選んでください。")
        case Refusal.PAST:
            return _("過ぎた日時は選べません。これからの日時を選んでください。")
        case Refusal.NOT_BEGUN:
            return _("来庁の時刻がまだ来ていません。時刻を過ぎてから記録してください。")
        case Refusal.FULL:
            return _("この日時は予約がいっぱいになりました。近くの空いている日時から選んでください。")
        case Refusal.UNKNOWN_PROCEDURE:
            return _("選んだ手続きは、この場所では予約できません。手続きか場所を選び直してください。")
        case Refusal.KEY_REUSED:
            return _("同じ受付番号で、違う内容の予約がすでにあります。画面を開き直してください。")
        case Refusal.TWIN:
            return _("同じお名前・生年月日・電話番号の予約が、すでにあります。日時などの変更は「予約の確認・変更」からできます。")
        case Refusal.TOO_MANY_BOOKINGS:
            return _("同じ電話番号の予約がすでに%(most)s件あります。これより多いときは、お電話ください。")
        case Refusal.NOT_EARLIER:
            return _("いまの予約より前の日を選んでください。")
        case Refusal.NO_WAITING:
            return _("この窓口では、早い日時の空き待ちを受け付けていません。")
        case Refusal.OFFER_GONE:
            return _("この日時のご案内は終わりました。いまの予約はそのままです。次に空きが出たら、またお知らせします。")
        case Refusal.STALE:
            return _("別の画面で予約の内容が変わりました。新しい内容を確かめて、もう一度操作してください。")
