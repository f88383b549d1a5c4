"""Which procedure, and what to bring: as residents find it before, in and after the booking."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.test import Client

from madoguchi.domain.procedures.enums import Kind, Who
from madoguchi.domain.procedures.services.bring import RuleValues, add_rule
from madoguchi.domain.procedures.shipped import triage_tree
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.profile.values import LANGUAGES
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor
from tests.web.citizen.resident import Resident

CITY = "/hatsukaichi/"


def items(page: str) -> str:
    """The documents of a page."""
    return " ".join(plain(part) for part in re.findall(r'<ul class="bring">.*?</ul>', page, re.S))


def plain(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


@pytest.mark.req("BOOK-12")
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_question_and_outcome_is_a_page(site: Contract, language: str) -> None:
    client = Client(headers={"accept-language": language})
    tree = triage_tree()
    client.cookies["django_language"] = language
    for node in [*tree.questions, *tree.outcomes]:
        answer = client.get(f"{CITY}which/", {"at": node})
        assert answer.status_code == 200, node
        page = answer.content.decode()
        if node in tree.questions:
            assert page.count("card-link") == len(tree.questions[node].options)


def test_an_unknown_question_is_not_found(site: Contract) -> None:
    assert Client().get(f"{CITY}which/?at=nonsense").status_code == 404


@pytest.mark.req("BOOK-12")
def test_the_letter_decides_between_the_two_renewals(site: Contract) -> None:
    page = Client().get(f"{CITY}which/?at=letter").content.decode()
    assert "電子証明書の有効期限通知書" in page
    found = Client().get(f"{CITY}which/?at=cert").content.decode()
    assert "電子証明書の更新・新規発行" in found
    assert "/hatsukaichi/book/?p=cert_renewal" in found
    assert "bring/?p=cert_renewal&amp;who=self" in found


def test_a_lost_card_begins_with_the_telephone(site: Contract) -> None:
    page = Client().get(f"{CITY}which/?at=lost").content.decode()
    assert page.index("0120-95-0178") < page.index("/hatsukaichi/book/")


def test_what_is_not_done_here_says_where(site: Contract) -> None:
    page = Client().get(f"{CITY}which/?at=smartphone").content.decode()
    assert "マイナポータルアプリ" in page
    assert "/hatsukaichi/book/" not in page


@pytest.mark.req("BOOK-12")
def test_the_answer_follows_who_comes(site: Contract) -> None:
    client = Client()
    oneself = client.get(f"{CITY}bring/", {"p": "card_pickup", "who": "self", "age": "15"}).content.decode()
    assert "交付通知書（はがき）" in items(oneself)
    assert "法定代理人の本人確認書類" not in items(oneself)
    child = client.get(f"{CITY}bring/", {"p": "card_pickup", "who": "self", "age": "0"}).content.decode()
    assert "法定代理人の本人確認書類" in items(child)
    assert "法定代理人（親権者など）と一緒に" in child
    proxy = client.get(f"{CITY}bring/", {"p": "card_pickup", "who": "proxy"}).content.decode()
    assert "代理人の本人確認書類" in items(proxy)


@pytest.mark.req("BOOK-12")
def test_situations_change_the_answer_and_age_left_open_is_shown_as_a_condition(site: Contract) -> None:
    query = {"p": "cert_renewal", "who": "self", "s": ["pin_unknown", "expired"]}
    page = Client().get(f"{CITY}bring/", query).content.decode()
    assert "ほかの本人確認書類" in items(page)
    assert "新規発行" in page
    assert "15歳未満の方" in page


def test_choices_that_do_not_exist_are_refused_in_words(site: Contract) -> None:
    answer = Client().get(f"{CITY}bring/", {"p": "cert_renewal", "who": "nobody", "s": ["everything"]})
    assert answer.status_code == 422


def test_without_a_procedure_one_is_chosen(site: Contract) -> None:
    page = Client().get(f"{CITY}bring/").content.decode()
    assert page.count("card-link") == len(site.profile.procedures)
    assert Client().get(f"{CITY}bring/?p=unknown").content.decode().count("card-link") == len(site.profile.procedures)


@pytest.mark.req("BOOK-12", "BOOK-08")
def test_each_person_of_a_family_gets_the_own_list(resident: Resident, site: Contract, now: dt.datetime) -> None:
    """In the booking, after it, and in the mail: mother renews with a forgotten PIN, the child comes with her."""
    from madoguchi.domain.booking.models import Booking
    from madoguchi.domain.booking.party import Contact, Person
    from madoguchi.domain.booking.recipients import manage_path, resolve
    from madoguchi.domain.booking.services.reserve import Reservation, reserve
    from madoguchi.ground.kit.actors import CITIZEN_WEB

    mother = Person({"name": "山田 花", "kana": "ヤマダ ハナ", "birth_date": "1985-04-01", "situations": "pin_unknown"})
    child = Person({"name": "山田 蓮", "kana": "ヤマダ レン", "birth_date": "2018-04-01"})
    wanted = Reservation(
        site="main",
        starts_at=dt.datetime(2026, 11, 10, 10, 0, tzinfo=now.tzinfo),
        people=[("cert_renewal", mother), ("cert_renewal", child)],
        contact=Contact({"phone": "0829200001", "email": "hana@example.jp"}),
        language="ja",
        key="family",
    )
    made = reserve(site, wanted, by=CITIZEN_WEB, now=now)
    page = resident.client.get(manage_path(site, made.code)).content.decode()
    first, second = re.findall(r'<ul class="bring">.*?</ul>', page, re.S)
    assert "ほかの本人確認書類" in plain(first) and "法定代理人" not in plain(first)
    assert "法定代理人の顔写真付き" in plain(second)
    with contract_scope(site):
        mail = resolve(site, Booking.objects.get(code=made.code).pk, "ja", "created")
    assert mail is not None
    one, other = mail.context["bring"].split("■")[1:]
    assert "1人目" in one and "ほかの本人確認書類" in one
    assert "2人目" in other and "法定代理人の顔写真付き" in other


@pytest.mark.req("BOOK-12")
def test_a_row_of_the_city_reaches_the_page_from_its_day(
    site: Contract, official: Actor, now: dt.datetime
) -> None:
    values = RuleValues(Kind.DOCUMENT, "card_pickup", {"ja": "市の整理券"}, "要綱", who=[Who.SELF])
    add_rule(site, values, starts=now.date(), by=official, now=now)
    query = {"p": "card_pickup", "who": "self"}
    assert "市の整理券" in items(Client().get(f"{CITY}bring/", query).content.decode())
    add_rule(
        site, RuleValues(Kind.DOCUMENT, "card_pickup", {"ja": "来月の券"}, ""),
        starts=now.date() + dt.timedelta(days=30), by=official, now=now,
    )  # fmt: skip
    assert "来月の券" not in Client().get(f"{CITY}bring/", query).content.decode()
