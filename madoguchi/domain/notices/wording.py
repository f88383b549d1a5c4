"""The wording that is in force for a contract, and the mail made from it."""

from __future__ import annotations

import datetime as dt
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from django.conf import settings

from madoguchi.ground.contracts.models import Contract

from . import recipients, rules, texts
from .models import Message, Template

SEPARATOR = "\n" + "─" * 20 + "\n\n"


def wording(kind: str, language: str) -> list[texts.Text]:
    """The texts of a notice in the contract in scope: the city's edit, else the shipped one, else English with
    Japanese.
    """
    own = _edited(kind, [language])
    text = own.get(language) or texts.shipped(kind, language)
    if text:
        return [text]
    own = _edited(kind, list(texts.FALLBACK))
    return [own.get(text.language, text) for text in texts.fallback(kind)]


def _edited(kind: str, languages: list[str]) -> dict[str, texts.Text]:
    rows = Template.objects.filter(kind=kind, language__in=languages)
    return {row.language: texts.Text(row.language, row.subject, row.body, edited=True) for row in rows}


def compose(contract: Contract, message: Message, *, now: dt.datetime) -> tuple[str, EmailMessage] | None:
    """Address and mail of a message, or None when its recipient is gone. The address is opened here and nowhere else.

    Raises ``LookupError``/``KeyError`` for a record or placeholder nobody provides.
    """
    parts = []
    address = ""
    for text in wording(message.kind, message.language):
        recipient = recipients.find(contract, message, text.language)
        if recipient is None:
            return None
        address = recipient.address
        parts.append(texts.fill(text, recipient.context))
    return address, _mail(contract, message, parts, address, now)


def _mail(
    contract: Contract, message: Message, parts: list[tuple[str, str]], address: str, now: dt.datetime
) -> EmailMessage:
    mail = EmailMessage(policy=SMTP)
    profile = contract.profile
    mail["Message-ID"] = rules.message_id(message.pk, contract.code, message.created_at, sender_domain())
    mail["Date"] = format_datetime(now)
    name = profile.city.name if message.language.startswith("ja") else f"{profile.city.name_en} ({profile.city.name})"
    mail["From"] = Address(display_name=name, addr_spec=settings.MAIL_FROM)
    mail["To"] = Address(addr_spec=address)
    mail["Subject"] = parts[0][0]
    mail["Auto-Submitted"] = "auto-generated"
    mail["Content-Language"] = "ja" if message.language == "ja-easy" else message.language
    mail.set_content(SEPARATOR.join(body for _, body in parts), charset="utf-8", cte="base64")
    return mail


def sender_domain() -> str:
    """Domain of our sender address."""
    return str(settings.MAIL_FROM).rpartition("@")[2]


def bounce_address() -> str:
    """The envelope sender, to which other servers return mails they cannot deliver."""
    return f"bounce@{sender_domain()}"
