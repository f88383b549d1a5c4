"""The demo's mailbox: every mail this installation sent, shown instead of delivered."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from django.conf import settings
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from madoguchi import mailbox
from madoguchi.domain.handover.places import Place, register
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.clock import JST

PER_PAGE = 50
REAL_WAYS = {
    "SMS": "本番では、サーバーに設定したSMSの会社から、携帯電話に届きます。",
    "LINE": "本番では、市のLINE公式アカウントから、LINEに届きます。",
}


def _folder() -> Path:
    return Path(settings.DATA_DIR) / "mailbox"


def _when(mail: mailbox.StoredMail) -> dt.datetime:
    return mail.at.astimezone(JST)


def inbox(request: HttpRequest) -> HttpResponse:
    """Mails, newest first; ``?q=`` looks for a word in address, subject and text."""
    folder = _folder()
    wanted = request.GET.get("q", "").strip()
    names = mailbox.names(folder)
    if wanted:
        names = [name for name in names[:2000] if _matches(mailbox.stored(folder, name), wanted.casefold())]
    page = Paginator(names, PER_PAGE).get_page(request.GET.get("page"))
    mails = [mail for name in page.object_list if (mail := mailbox.stored(folder, name))]
    rows = [{"mail": mail, "at": _when(mail)} for mail in mails]
    return render(request, "office/mailbox/inbox.html", {"page": page, "rows": rows, "q": wanted})


def _matches(mail: mailbox.StoredMail | None, wanted: str) -> bool:
    return mail is not None and any(wanted in text.casefold() for text in (mail.to, mail.subject, mail.body))


def mail(request: HttpRequest, name: str) -> HttpResponse:
    """One mail with its links and headers."""
    found = mailbox.stored(_folder(), name)
    if found is None:
        raise Http404("このメールはありません。")
    context = {
        "mail": found,
        "at": _when(found),
        "stand_in_title": f"これは{found.way}の見本です。だれにも送っていません",
        "stand_in_body": REAL_WAYS.get(found.way, ""),
    }
    return render(request, "office/mailbox/mail.html", context)


def _mails_of(contract: Contract) -> list[Path]:
    """Mails that name the contract in an address of the site; the demo writes one into each."""
    folder = _folder()
    found = ((name, mailbox.stored(folder, name)) for name in mailbox.names(folder))
    return [folder / f"{name}.eml" for name, mail in found if mail is not None and f"/{contract.code}/" in mail.body]


def _erase(contract: Contract) -> int:
    paths = _mails_of(contract)
    for path in paths:
        path.unlink(missing_ok=True)
    return len(paths)


register(Place("mailbox", "デモの受信箱のメール", "ファイルを削除", lambda contract: len(_mails_of(contract)), _erase))
