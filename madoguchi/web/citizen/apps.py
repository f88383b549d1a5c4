"""The residents' site as a Django app."""

from django.apps import AppConfig
from django.conf import settings
from django.utils.translation import trans_real


class CitizenConfig(AppConfig):
    name = "madoguchi.web.citizen"
    label = "citizen"

    def ready(self) -> None:
        """What a foreign language lacks yet is shown in English, not in the Japanese of the source."""
        from . import drafts  # noqa: F401

        english = trans_real.translation("en")
        for code, _name in settings.LANGUAGES:
            if not code.startswith(("ja", "en")):
                trans_real.translation(code)._fallback = english
