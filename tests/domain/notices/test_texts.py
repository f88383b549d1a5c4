"""Shipped wordings are whole; the city's edits are checked by line, win, and can be taken back."""

import pytest

from madoguchi.domain.notices import services, texts, wording
from madoguchi.domain.notices.models import Kind
from madoguchi.ground.audit import queries as audit

pytestmark = pytest.mark.req("BOOK-08")
SAMPLE = {"city": "A市", "city_en": "A City", "site": "市役所", "phone": "0829-30-9100", "link": "https://x/r/1"}


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("language", ["ja", "ja-easy", "en"])
def test_a_shipped_wording_is_correct_and_fills(kind: str, language: str) -> None:
    text = texts.shipped(kind, language)
    assert texts.check(text.subject, text.body) == []
    subject, body = texts.fill(text, texts.sample(language, **SAMPLE))
    assert "{" not in subject + body
    assert "K7M29QXT" in subject
    for value in ("0829-30-9100", "https://x/r/1", "マイナンバーカードの受取り（交付）"):
        assert value in body


def test_an_empty_value_takes_its_line_away() -> None:
    text = texts.Text("ja", "s", "a\n{bring}\nb\n\n\n\nc\n")
    assert texts.fill(text, {"bring": ""}) == ("s", "a\nb\n\nc\n")


@pytest.mark.parametrize(
    ("subject", "body", "part", "line", "words"),
    [
        ("x", "{code}\n{when}\n{nmae}", "body", 3, "「{nmae}」はありません"),
        ("{x}", "{code}{when}", "subject", 1, "「{x}」はありません"),
        ("x", "{code}{when}\n{code", "body", 2, "片方だけ"),
        ("", "{code}{when}", "subject", 1, "件名を入力"),
        ("x" * 121, "{code}{when}", "subject", 1, "120文字まで"),
        ("x", "{when}", "body", 0, "{code}（予約番号）を入れてください"),
        ("x", "{code}{when}" + "あ" * 5000, "body", 0, "5000文字まで"),
    ],
)
def test_mistakes_are_named_with_their_line(subject: str, body: str, part: str, line: int, words: str) -> None:
    (problem,) = texts.check(subject, body)
    assert (problem.part, problem.line) == (part, line)
    assert words in problem.message


def test_the_citys_wording_wins_and_goes_back(contract, official, now) -> None:
    def current(language: str) -> list[tuple[str, str]]:
        return [(t.language, t.subject) for t in wording.wording("created", language)]

    shipped = current("ja")
    assert [language for language, _ in current("vi")] == ["en", "ja"]
    services.edit_template(
        contract, kind="created", language="ja", subject="新 {code}", body="{code}\r\n{when}  ", by=official, now=now
    )
    services.edit_template(
        contract, kind="created", language="vi", subject="V", body="{code}{when}", by=official, now=now
    )
    assert current("ja") == [("ja", "新 {code}")]
    assert current("vi") == [("vi", "V")]
    assert current("ko")[1] == ("ja", "新 {code}")
    assert wording.wording("created", "ja")[0].body == "{code}\n{when}\n"
    assert services.restore_template(contract, kind="created", language="ja", by=official, now=now) is True
    assert services.restore_template(contract, kind="created", language="ja", by=official, now=now) is False
    assert current("ja") == shipped
    history = list(audit.search(target="template:created.ja"))
    assert [entry.action for entry in history] == ["notice.template_restored", "notice.template_edited"]
    assert history[0].detail["before"] == ["新 {code}", "{code}\n{when}\n"]


def test_a_wrong_wording_is_refused_whole(contract, official, now) -> None:
    with pytest.raises(services.BadText) as caught:
        services.edit_template(contract, kind="created", language="ja", subject="", body="{x}", by=official, now=now)
    assert len(caught.value.problems) == 4
    assert audit.count(contract) == 0
