"""The demo of one command: synthetic data, one-click sign-in, a mailbox page, a clock that travels. Never for real residents."""

from .development import *

DEBUG = False
DEMO = True
RATE_LIMITS = {action: (count * 10, seconds) for action, (count, seconds) in RATE_LIMITS.items()}
"""Everybody who tries a demo may sit behind one address."""
if PHOTO_FOLDER is None:
    PHOTO_FOLDER = DATA_DIR / "photo-share"
    """Stands for the cities' share; ``demo`` makes the folders in it."""
