"""Links to the questions: of a tablet at the exit, and of a mail, which works once and is kept nowhere."""

from __future__ import annotations

import datetime as dt
import hmac
import secrets

from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.privacy.sealing import keyring

EPOCH = dt.date(2020, 1, 1)


def kiosk_path(contract: Contract, site: str) -> str:
    """The path of a site's tablet; whoever has it may open it."""
    return f"/{contract.code}/survey/kiosk/{site}/{_kiosk(contract, site)}/"


def opens_kiosk(contract: Contract, site: str, token: str) -> bool:
    """Whether a link is that of a site's tablet."""
    return hmac.compare_digest(_kiosk(contract, site).encode(), token.encode())


def once_path(contract: Contract, sent_on: dt.date) -> str:
    """The path of a new link that works once, until some days after it was sent. It is random: nothing of a person is in it, and it is written nowhere."""
    survey = contract.profile.survey
    assert survey is not None
    until = (sent_on - EPOCH).days + survey.mail_valid_days
    nonce = secrets.token_hex(16)
    return f"/{contract.code}/survey/once/{until}/{nonce}/{_once(contract, until, nonce)}/"


def last_day(contract: Contract, until: int, nonce: str, token: str) -> dt.date | None:
    """The last day of a link; None when the link is not ours."""
    if until > 99_999 or not hmac.compare_digest(_once(contract, until, nonce).encode(), token.encode()):
        return None
    return EPOCH + dt.timedelta(days=until)


def digest_of(contract: Contract, nonce: str) -> str:
    """What the mark of a used link holds of it."""
    return keyring(contract).blind("survey.link", nonce).hex()


def _kiosk(contract: Contract, site: str) -> str:
    return keyring(contract).token("survey.kiosk", site)


def _once(contract: Contract, until: int, nonce: str) -> str:
    return keyring(contract).token("survey.once", f"{until}:{nonce}")
