"""What notices forgets when its time is over: the servers' answers. A message itself holds no personal data and stays
as a fact.
"""

from __future__ import annotations

import datetime as dt

from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.privacy.retention import register

from .models import Attempt


def erase_answers(contract: Contract, now: dt.datetime) -> int:
    """Empty the servers' answers older than ``retention.mail_log_days``: they may quote more than the address we took
    out.
    """
    limit = now - dt.timedelta(days=contract.profile.retention.mail_log_days)
    return Attempt.objects.filter(at__lt=limit).exclude(answer="").update(answer="")


register("notices.answers", erase_answers)
