"""The page of keys: a key for a telephone system that stands in an address holds from named networks only."""

from __future__ import annotations

import pytest

from madoguchi.ground.accounts.models import ApiKey, Role
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from tests.web.staff_site import SignIn, sign_in, site  # noqa: F401

pytestmark = [pytest.mark.django_db, pytest.mark.req("CALL-08")]
PAGE = "/staff/hatsukaichi/keys/"


def test_a_key_in_an_address_asks_for_its_networks(site: Contract, sign_in: SignIn) -> None:  # noqa: F811
    client = sign_in(site, Role.MANAGER)
    typed = {"name": "電話（PBX）", "scopes": ["calls:cti"], "per_minute": "600"}
    answer = client.post(PAGE, typed)
    assert answer.status_code == 422 and "送信元のアドレスが要ります" in answer.content.decode()
    answer = client.post(PAGE, {**typed, "sources": "203.0.113.7 nonsense"})
    assert answer.status_code == 422 and "アドレスの書き方" in answer.content.decode()
    answer = client.post(PAGE, {**typed, "sources": "203.0.113.7, 2001:db8::/32"})
    assert "APIキーを発行しました" in answer.content.decode()
    with contract_scope(site):
        assert ApiKey.objects.get().sources == ["203.0.113.7/32", "2001:db8::/32"]
