"""Keys: other master key, new contract key with re-sealing in batches, erasure, retention; all of it audited."""

import datetime as dt

import pytest
from allauth.mfa.models import Authenticator
from django.db.models import BinaryField

from madoguchi import keeping
from madoguchi.domain.booking.enums import State
from madoguchi.domain.booking.models import Booking
from madoguchi.domain.booking.party import CONTACT
from madoguchi.domain.notices.models import Attempt, Kind, Message
from madoguchi.ground.accounts.adapters import StaffMFAAdapter
from madoguchi.ground.accounts.models import User
from madoguchi.ground.accounts.services import reseal_second_factors
from madoguchi.ground.audit import queries as audit
from madoguchi.ground.contracts.models import Contract, Site
from madoguchi.ground.contracts.tenancy import contract_scope, tenant_models
from madoguchi.ground.privacy import registry, retention, services
from madoguchi.ground.privacy.sealing import SealError, forget_keys, keyring

pytestmark = [pytest.mark.django_db, pytest.mark.req("SEC-02")]


def actions(contract: Contract) -> list[str]:
    return [entry.action for entry in audit.search(target=f"contract:{contract.code}")]


def test_another_master_key_wraps_everything_anew(contracts, contract, settings, official, now) -> None:
    sealed = keyring(contract).seal("x", b"secret")
    blind = keyring(contract).blind("phone", "0829309100")
    old = settings.MASTER_KEYS
    settings.MASTER_KEYS = [b"n" * 32, *old]
    counts = keeping.rotate_master(by=official, now=now)
    assert counts == dict.fromkeys(contracts, 1)
    assert keeping.rotate_master(by=official, now=now) == dict.fromkeys(contracts, 0)
    settings.MASTER_KEYS = [b"n" * 32]
    forget_keys()
    assert keyring(contract).unseal("x", sealed) == b"secret"
    assert keyring(contract).blind("phone", "0829309100") == blind
    settings.MASTER_KEYS = old
    forget_keys()
    with pytest.raises(SealError, match="fingerprint"):
        keyring(contract)
    assert actions(contract) == ["privacy.master_rotated"]


@pytest.mark.req("SEC-01")
def test_second_factors_follow_the_master_key(settings) -> None:
    adapter = StaffMFAAdapter()
    user = User.objects.create_user(email="who@example.jp", password="long-enough-1", name="誰か")
    made = Authenticator.objects.create(
        user=user, type=Authenticator.Type.TOTP, data={"secret": adapter.encrypt("JBSWY3DPEHPK3PXP"), "used": 3}
    )
    Authenticator.objects.create(user=user, type=Authenticator.Type.WEBAUTHN, data={"name": "m1 鍵", "credential": {}})
    settings.MASTER_KEYS = [b"n" * 32, *settings.MASTER_KEYS]
    assert [reseal_second_factors(), reseal_second_factors()] == [1, 0]
    settings.MASTER_KEYS = [b"n" * 32]
    made.refresh_from_db()
    assert adapter.decrypt(made.data["secret"]) == "JBSWY3DPEHPK3PXP"
    assert made.data["used"] == 3


def test_a_missing_master_key_is_named(contract, settings, official, now) -> None:
    settings.MASTER_KEYS = [b"n" * 32]
    with pytest.raises(SealError, match="MADOGUCHI_MASTER_KEYS_OLD"):
        keeping.rotate_master(by=official, now=now)


def book(contract: Contract, n: int, contact: bytes | None, now: dt.datetime) -> Booking:
    return Booking.objects.create(
        contract=contract,
        code=f"K7M29Q{n:02}",
        state=State.BOOKED,
        site=Site.objects.first(),
        starts_at=now,
        ends_at=now + dt.timedelta(minutes=30),
        people=1,
        channel="web",
        actor_kind="citizen",
        language="ja",
        contact=contact,
        idempotency_key=f"key{n}",
        fingerprint=b"f",
        created_at=now,
    )


@pytest.mark.django_db(transaction=True)
def test_a_new_key_seals_new_values_and_old_ones_move_in_batches(contracts, official, now) -> None:
    contract = contracts["hatsukaichi"]
    ring = keyring(contract)
    with contract_scope(contract):
        for n in range(7):
            book(contract, n, ring.seal_json(CONTACT, {"phone": str(n)}), now)
        book(contract, 7, None, now)
    assert keeping.rotate_contract_key(contract, by=official, now=now) == 2
    after = keyring(contract)
    assert after.newest == 2
    assert after.blind("k", "v") == ring.blind("k", "v")
    assert ring.unseal("p", after.seal("p", b"new")) == b"new"
    assert services.sealed_with_old_keys(contract)["booking.Booking.contact"] == 7
    with pytest.raises(services.KeyDeedError, match="still sealed"):
        keeping.drop_retired_keys(contract, by=official, now=now)
    assert [services.reseal(contract, batch=3), services.reseal(contract, batch=3)] == [3, 3]
    assert keeping.reseal_all(contract, now=now) == 1
    assert set(services.sealed_with_old_keys(contract).values()) == {0}
    assert keeping.drop_retired_keys(contract, by=official, now=now) == 1
    forget_keys()
    fresh = keyring(contract)
    assert set(fresh.data) == {2}
    with contract_scope(contract):
        sealed = Booking.objects.order_by("code").values_list("contact", flat=True)
        assert [fresh.unseal_json(CONTACT, value)["phone"] for value in sealed[:7]] == list("0123456")
        assert sealed[7] is None
        assert actions(contract) == ["privacy.keys_dropped", "privacy.resealed", "privacy.key_rotated"]


def test_every_sealed_column_is_registered() -> None:
    """A binary column of a tenant table is registered for re-sealing, or is named here as something else."""
    plain = {
        "audit.Entry.hash",
        "audit.Head.hash",
        "booking.Attendee.person_index",
        "booking.Booking.fingerprint",
        "booking.Booking.line_index",
        "booking.Booking.mail_index",
        "booking.Booking.phone_index",
        "booking.LineCode.index",
        "booking.NoticeCard.index",
        "callflow.Audio.content",
        "calls.Call.number_index",
        "calls.Callback.number_index",
        "calls.Contact.number_index",
        "cards.Card.person_index",
        "privacy.ContractKey.wrapped",
        "privacy.ContractKey.wrapped_index",
        "reports.Form.content",
    }
    binary = {
        f"{model._meta.label}.{field.name}"
        for model in tenant_models()
        for field in model._meta.get_fields()
        if isinstance(field, BinaryField)
    }
    assert binary - plain == {column.name for column in registry.sealed_columns()}


def test_erasure_needs_the_code_and_a_reason_and_is_final(contract, official, now) -> None:
    sealed = keyring(contract).seal("x", b"secret")
    for typed, reason, why in (("izumi", "終了", "type the contract's code"), (contract.code, " ", "give the reason")):
        with pytest.raises(services.KeyDeedError, match=why):
            keeping.erase_contract_keys(contract, typed_code=typed, reason=reason, by=official, now=now)
    assert keyring(contract).unseal("x", sealed) == b"secret"
    assert keeping.erase_contract_keys(contract, typed_code=contract.code, reason="契約終了", by=official, now=now) == 1
    forget_keys()
    with pytest.raises(SealError, match="no keys"):
        keyring(contract)
    with pytest.raises(services.KeyDeedError, match="erased before"):
        keeping.erase_contract_keys(contract, typed_code=contract.code, reason="契約終了", by=official, now=now)
    assert actions(contract) == ["privacy.keys_erased"]


def test_retention_erases_answers_in_time_and_counts_once(contract, now) -> None:
    days = contract.profile.retention.mail_log_days
    message = Message.objects.create(
        contract=contract, ref="booking:1", kind=Kind.CREATED, language="ja", due_at=now, created_at=now
    )
    for age in (days - 1, days + 1):
        Attempt.objects.create(
            contract=contract, message=message, at=now - dt.timedelta(days=age), outcome="sent", answer="250 ok"
        )
    counts = keeping.run_retention(contract, now)
    assert counts["notices.answers"] == 1
    assert sorted(Attempt.objects.values_list("answer", flat=True)) == ["", "250 ok"]
    assert actions(contract) == ["privacy.retention_run"]
    assert keeping.run_retention(contract, now)["notices.answers"] == 0
    assert actions(contract) == ["privacy.retention_run"]


def test_an_eraser_has_one_name() -> None:
    with pytest.raises(ValueError, match="twice"):
        retention.register("notices.answers", lambda contract, now: 0)
