"""Production: every secret from the environment, secure cookies, no time travel. Missing values stop the start with one clear line."""

from django.core.exceptions import ImproperlyConfigured

from config import env

from .base import *
from .base import database, database_url, key_from_text


def _required(name: str) -> str:
    value = env.get(name)
    if not value:
        raise ImproperlyConfigured(f"{name} is not set: {env.VARIABLES[name]}")
    return value


SECRET_KEY = _required("MADOGUCHI_SECRET_KEY")
MASTER_KEYS = [
    key_from_text(text)
    for text in [_required("MADOGUCHI_MASTER_KEY"), *filter(None, env.get("MADOGUCHI_MASTER_KEYS_OLD").split(","))]
]
VOICE_SECRET = env.get("MADOGUCHI_VOICE_SECRET")
ALLOWED_HOSTS = [host.strip() for host in _required("MADOGUCHI_HOSTS").split(",")]
CSRF_TRUSTED_ORIGINS = [f"https://{host}" for host in ALLOWED_HOSTS]
DATABASES = {"default": database(database_url())}
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
SECURE_SSL_REDIRECT = True
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
ALLAUTH_TRUSTED_PROXY_COUNT = 1
SECURE_HSTS_SECONDS = 31_536_000
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
