"""A developer's machine: embedded database, local secrets, clock can travel."""

from config import env

from .base import *
from .base import database, database_url, derived, local_secret

DEBUG = True
TIME_TRAVEL = True
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]", "testserver"]
SECRET_KEY = derived(local_secret("local.key"), "django")
MASTER_KEYS = [local_secret("master.key")]
DATABASES = {"default": database(database_url())}
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = True
WHITENOISE_USE_FINDERS = True
STATIC_ROOT = None
VOICE_SECRET = env.get("MADOGUCHI_VOICE_SECRET") or derived(local_secret("local.key"), "voice")
