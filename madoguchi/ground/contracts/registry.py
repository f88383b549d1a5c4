"""The profiles of this installation, read once per process."""

from __future__ import annotations

import threading
from pathlib import Path

from django.conf import settings

from .profile import Profile, load_profile

_lock = threading.Lock()
_cache: dict[str, Profile] = {}


def path_of(code: str) -> Path:
    """The profile file of a contract code."""
    return Path(settings.PROFILES_DIR) / f"{code}.toml"


def profile(code: str) -> Profile:
    """The validated profile of a contract. Raises ``KeyError`` when there is no file, ``ProfileError`` when it is wrong."""
    cached = _cache.get(code)
    if cached is not None:
        return cached
    path = path_of(code)
    with _lock:
        if not path.exists():
            raise KeyError(f"{path} is missing: put the profile back, or deactivate the contract")
        loaded = load_profile(path)
        _cache[code] = loaded
        return loaded


def codes() -> list[str]:
    """Codes of all profile files."""
    return sorted(p.stem for p in Path(settings.PROFILES_DIR).glob("*.toml"))


def forget() -> None:
    """Drop what was read: after profile files were changed on purpose (tests, ``madoguchi migrate``)."""
    with _lock:
        _cache.clear()
