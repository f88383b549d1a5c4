"""Words of the tables: who comes, what holds, what a row is."""

from django.db.models import TextChoices


class Who(TextChoices):
    """Who stands at the counter."""

    SELF = "self", "本人"
    LEGAL = "legal", "法定代理人"
    PROXY = "proxy", "任意代理人"


class Kind(TextChoices):
    """What a row of the table adds to an answer."""

    DOCUMENT = "document", "書類"
    STEP = "step", "すること"
    WARNING = "warning", "注意"
    ASK = "ask", "市に確認"
    REFERENCE = "reference", "一覧"


class Situation(TextChoices):
    """What may hold for a person; every one can be yes, no or not known."""

    PIN_UNKNOWN = "pin_unknown", "暗証番号が分からない・ロックされた"
    EXPIRED = "expired", "有効期限が切れている"
    INQUIRY_FORM = "inquiry_form", "本人が書いて封をした照会書兼回答書がある"
    NOTICE_LOST = "notice_lost", "交付通知書（はがき）が見つからない"
    NO_PHOTO_ID = "no_photo_id", "顔写真付きの本人確認書類がない"
    LOST = "lost", "カードをなくした"
    DAMAGED = "damaged", "カードが壊れた"
    MOVED = "moved", "引っ越した・氏名が変わった"
    FOREIGN = "foreign", "在留期間がある"
    FACE_AUTH = "face_auth", "顔認証マイナンバーカードである"
    LICENCE = "licence", "マイナ免許証を持っている"
    ADULT_WARD = "adult_ward", "成年被後見人である"
