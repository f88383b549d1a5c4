"""Residents' pages in every language: the catalogues are complete where they must be, and the pages show them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po
from django.conf import settings
from django.template.base import Lexer, TokenType
from django.test import Client
from django.utils.translation import to_locale, trim_whitespace

from tests.web.citizen.resident import Resident, text_of

PACKAGE = Path(settings.BASE if hasattr(settings, "BASE") else settings.PROFILES_DIR.parent) / "madoguchi"
COMPLETE = tuple(code for code, _ in settings.LANGUAGES if code != "ja")
JAPANESE = re.compile(r"[\u3041-\u30fa\u4e00-\u9fff]")
MAY_SHOW_JAPANESE = (
    "令和8年7月1日", "交付通知書", "西暦", "令和", "平成", "昭和", "大正", "明治", "元年",
    "%(year)s年%(month)s月%(day)s日", "有効期限", "在留期間",
    "成年被後見人", "成年後見人", "照会書兼回答書", "在留カード", "顔認証マイナンバーカード", "マイナ免許証",
)  # fmt: skip
"""Japanese that English readers need to see: what is printed on paper, what is chosen on the form."""


def catalogue(code: str) -> Catalog:
    path = PACKAGE / "locale" / to_locale(code) / "LC_MESSAGES" / "django.po"
    with path.open("rb") as handle:
        return read_po(handle)


def messages(found: Catalog) -> list[Message]:
    return [message for message in found if message.id]


def singular(message: Message) -> str:
    return message.id if isinstance(message.id, str) else message.id[0]


def translations(message: Message) -> list[str]:
    return [message.string] if isinstance(message.string, str) else list(message.string)


def in_templates() -> set[str]:
    """Every text marked in residents' templates, as Django looks it up."""
    found: set[str] = set()
    folders = [PACKAGE / "web/citizen/templates", PACKAGE / "web/ui/templates/ui", PACKAGE / "web/counter/templates/counter/public"]
    slip = PACKAGE / "web/counter/templates/counter/_slip.html"
    for path in sorted([slip, *(path for folder in folders for path in folder.rglob("*.html"))]):
        if "staff" in path.name or path.name.startswith("kit"):
            continue
        source = path.read_text()
        found |= {a or b for a, b in re.findall(r"{%\s*translate\s+(?:\"([^\"]+)\"|'([^']+)')", source)}
        found |= set(re.findall(r"_\(\"([^\"]+)\"\)", source))
        block: list[str] | None = None
        for token in Lexer(source).tokenize():
            if token.token_type == TokenType.BLOCK and token.contents.startswith("blocktranslate"):
                block = []
            elif (
                token.token_type == TokenType.BLOCK
                and token.contents in ("plural", "endblocktranslate")
                and block is not None
            ):
                found.add(trim_whitespace("".join(block)))
                block = None
            elif block is not None:
                block.append(
                    f"%({token.contents})s" if token.token_type == TokenType.VAR else token.contents.replace("%", "%%")
                )
    return found


def in_python() -> set[str]:
    """Every text marked in Python that residents can meet (adjacent literals joined)."""
    files = [
        *(PACKAGE / "web/citizen").rglob("*.py"),
        *(
            PACKAGE / name
            for name in (
                "web/ui/dates.py",
                "web/ui/views.py",
                "web/ui/middleware.py",
                "web/ui/footer.py",
                "web/counter/public.py",
                "domain/reception/services/tickets.py",
                "domain/booking/answers.py",
                "domain/booking/cards.py",
                "domain/booking/errors.py",
                "domain/booking/party.py",
                "domain/booking/recipients.py",
                "domain/procedures/briefing.py",
                "ground/kit/dates.py",
                "ground/kit/phones.py",
                "ground/privacy/guard.py",
            )
        ),
    ]
    found: set[str] = set()
    for path in files:
        for call in re.findall(r"(?:\b_|gettext_lazy)\(\s*((?:\"[^\"]*\"\s*)+)", path.read_text()):
            found.add("".join(re.findall(r"\"([^\"]*)\"", call)))
    return {text for text in found if text}


@pytest.mark.req("BOOK-04")
@pytest.mark.parametrize("code", COMPLETE)
def test_every_catalogue_is_complete(code: str) -> None:
    found = catalogue(code)
    known = {singular(message) for message in messages(found)}
    marked = in_templates() | in_python()
    assert len(marked) > 280
    assert sorted(marked - known) == []
    assert [singular(message) for message in messages(found) if not all(translations(message))] == []
    assert [singular(message) for message in messages(found) if message.fuzzy] == []


@pytest.mark.req("BOOK-04")
@pytest.mark.parametrize("code", COMPLETE)
def test_every_translation_keeps_the_placeholders(code: str) -> None:
    holes = re.compile(r"%\([a-z_]+\)s")
    for message in messages(catalogue(code)):
        for text in translations(message):
            if text:
                assert sorted(holes.findall(text)) == sorted(holes.findall(singular(message))), text


@pytest.mark.req("BOOK-04")
@pytest.mark.parametrize("code", ["en", "vi", "pt", "fil", "ne", "es", "ko"])
def test_no_translation_is_left_in_japanese(code: str) -> None:
    for message in messages(catalogue(code)):
        for text in translations(message):
            plain = text
            for allowed in MAY_SHOW_JAPANESE:
                plain = plain.replace(allowed, "")
            assert not JAPANESE.search(plain), (singular(message), text)


@pytest.mark.req("BOOK-04")
@pytest.mark.parametrize("code", [code for code, _ in settings.LANGUAGES])
def test_every_offered_language_has_a_page_that_keeps_the_choice(resident: Resident, code: str) -> None:
    client = Client()
    first = client.get(f"/hatsukaichi/book/?lang={code}")
    assert first.status_code == 200
    again = Resident(resident.site, client).get("book/when/?p=card_pickup&site=main")
    assert again["Content-Language"] == ("ja" if code == "ja-easy" else code)
    assert "マイナンバーカードの受取り（交付）" in text_of(again)


@pytest.mark.req("BOOK-04")
def test_the_legal_name_stands_beside_every_translated_one(resident: Resident) -> None:
    client = Client(headers={"accept-language": "en"})
    page = text_of(Resident(resident.site, client).get(""))
    for legal in ("マイナンバーカードの受取り（交付）", "電子証明書の更新・新規発行", "暗証番号の再設定"):
        assert legal in page
