"""The demo of one command: synthetic data, one-click sign-in, a mailbox page, a clock that travels. Never for real residents."""

from .development import *

DEBUG = False
DEMO = True
