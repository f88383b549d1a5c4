"""Languages that Django does not know: やさしい日本語 is Japanese in plain words, Filipino and Nepali are named as their speakers do."""

from __future__ import annotations

import django.conf.locale

EXTRA = {
    "ja-easy": {"bidi": False, "code": "ja-easy", "name": "Easy Japanese", "name_local": "やさしい日本語"},
    "fil": {"bidi": False, "code": "fil", "name": "Filipino", "name_local": "Filipino"},
    "ne": {"bidi": False, "code": "ne", "name": "Nepali", "name_local": "नेपाली"},
}


def install() -> None:
    """Tell Django about them; called once when the app loads."""
    for code, info in EXTRA.items():
        django.conf.locale.LANG_INFO.setdefault(code, info)
