"""The survey as visitors meet it: without scripts, in their language, once per mail, nothing typed lost."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import translation

from madoguchi.domain.booking.services.setup import set_up
from madoguchi.domain.survey import links
from madoguchi.domain.survey.models import Answer, Comment
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.profile import STANDARD_QUESTIONS
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.web.citizen.survey_form import STANDARD

pytestmark = [pytest.mark.django_db, pytest.mark.req("REP-06")]
URL = "/izumi/survey/"
NUMBER = "983205673214"


@pytest.fixture
def izumi(site: Contract, contracts: dict[str, Contract], now: dt.datetime) -> Contract:
    cache.clear()
    set_up(contracts["izumi"], now=now)
    return contracts["izumi"]


def kept(contract: Contract) -> int:
    with contract_scope(contract):
        return int(Answer.objects.count())


def test_from_the_poster_to_the_thanks(izumi: Contract) -> None:
    client = Client()
    which = client.get(f"{URL}?at=plaza").content.decode()
    assert "?at=plaza&amp;p=cert_renewal" in which
    assert "p=card_pickup" not in which
    sheet = client.get(f"{URL}?at=plaza&p=cert_renewal").content.decode()
    assert "来る前の案内" in sheet
    assert "来る前の案内" not in client.get(f"{URL}?at=plaza&p=-").content.decode()
    sent = client.post(f"{URL}?at=plaza&p=cert_renewal", {"satisfaction": "4", "solved": "yes", "opinion": "親切でした"})
    assert sent.headers["Location"] == "/izumi/survey/thanks/"
    assert "ありがとうございました" in client.get(sent.headers["Location"]).content.decode()
    with contract_scope(izumi):
        row = Answer.objects.get()
        assert (row.way, row.site, row.procedure, row.scores, row.choices) == ("poster", "plaza", "cert_renewal", {"satisfaction": 4}, {"solved": "yes"})
        assert Comment.objects.get().groups == ["manner"]


def test_what_is_wrong_is_said_and_nothing_is_lost(izumi: Contract) -> None:
    client = Client()
    answer = client.post(f"{URL}?p=-", {"opinion": "長い話"})
    assert answer.status_code == 422
    assert "長い話" in answer.content.decode()
    assert "選んでください" in answer.content.decode()
    answer = client.post(f"{URL}?p=-", {"satisfaction": "5", "opinion": f"番号 {NUMBER} の者です"})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert NUMBER not in page
    assert "の者です" in page
    assert kept(izumi) == 0


def test_the_link_of_a_mail_answers_once(izumi: Contract, now: dt.datetime) -> None:
    client, url = Client(), links.once_path(izumi, now.date())
    assert client.get(f"{url}?p=-").status_code == 200
    assert client.post(f"{url}?p=-", {"satisfaction": "5"}).status_code == 302
    assert client.get(url).status_code == 410
    assert client.post(f"{url}?p=-", {"satisfaction": "1"}).status_code == 410
    assert client.get(links.once_path(izumi, now.date() - dt.timedelta(days=15))).status_code == 410
    assert client.get(re.sub("[0-9a-f]{32}/$", "0" * 32 + "/", url)).status_code == 404
    assert kept(izumi) == 1


def test_the_tablet_returns_to_its_start_by_itself(izumi: Contract) -> None:
    client, url = Client(), links.kiosk_path(izumi, "honkan")
    assert f'data-machine="{url}"' in client.get(f"{url}?p=pin_reset").content.decode()
    sent = client.post(f"{url}?p=pin_reset", {"satisfaction": "5"})
    thanks = client.get(sent.headers["Location"]).content.decode()
    assert f'data-start="{url}?lang=ja" data-idle="8"' in thanks
    assert f'<noscript><meta http-equiv="refresh" content="20;url={url}?lang=ja"></noscript>' in thanks
    assert client.get(links.kiosk_path(izumi, "honkan").replace("honkan", "plaza")).status_code == 404


def test_an_address_and_a_tablet_cannot_answer_without_end(izumi: Contract, settings: object) -> None:
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "survey": (2, 3600), "survey_kiosk": (1, 600)}  # type: ignore[attr-defined]
    client = Client()
    assert [client.post(f"{URL}?p=-", {"satisfaction": "5"}).status_code for _ in range(3)] == [302, 302, 429]
    url = links.kiosk_path(izumi, "honkan")
    assert [client.post(f"{url}?p=-", {"satisfaction": "5"}).status_code for _ in range(2)] == [302, 429]
    assert client.post(f"{links.kiosk_path(izumi, 'plaza')}?p=-", {"satisfaction": "5"}).status_code == 302


def test_every_standard_question_is_asked_in_every_language(izumi: Contract) -> None:
    with translation.override("ja"):
        assert {code: str(text) for code, text in STANDARD.items()} == {code: text for code, (_, text) in STANDARD_QUESTIONS.items()}
    for code in izumi.profile.languages:
        page = Client().get(f"{URL}?p=card_pickup&lang={code}").content.decode()
        with translation.override(code):
            for one in ("satisfaction", "preparation", "opinion"):
                assert str(STANDARD[one]) in page


def test_where_no_survey_was_agreed_there_is_none(izumi: Contract) -> None:
    assert Client().get("/hatsukaichi/survey/").status_code == 404
