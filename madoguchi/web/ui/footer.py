"""Links at the foot of residents' pages."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _

from madoguchi.ground.contracts.models import Contract


def footer_links(contract: Contract) -> list[tuple[str, str]]:
    """(label, url) of the pages every resident must be able to reach."""
    return [
        (_("予約の確認・変更・取消し"), reverse("citizen:find", args=[contract.code])),
        (_("個人情報の取り扱い"), reverse("citizen:privacy", args=[contract.code])),
        (_("アクセシビリティ"), reverse("citizen:accessibility", args=[contract.code])),
    ]
