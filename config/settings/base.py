"""Settings common to every mode. Nothing here belongs to a city: that is the profile's."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import secrets
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from config import env
from config.env import BASE

DATA_DIR: Path = env.path("MADOGUCHI_DATA", BASE / "var")
PROFILES_DIR: Path = env.path("MADOGUCHI_PROFILES", BASE / "profiles")
VOICE_DIR: Path = env.path("MADOGUCHI_VOICE", DATA_DIR / "voice")
DEBUG = False
DEMO = False
TIME_TRAVEL = False
# A transaction pool hands every transaction to another server session: no start-up options, no LISTEN.
TRANSACTION_POOL = env.get("MADOGUCHI_PGBOUNCER") == "1"


def local_secret(name: str) -> bytes:
    """A secret made once and kept in the data folder (0600): for demo, development and tests only."""
    path = DATA_DIR / "secrets" / name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = path.with_suffix(f".{secrets.token_hex(4)}")
        part.touch(mode=0o600)
        part.write_bytes(secrets.token_bytes(32))
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(part)
        part.unlink()
    return path.read_bytes()


def database(url: str, *, pooled: bool = TRANSACTION_POOL) -> dict[str, object]:
    """Django's entry for a ``postgresql://`` URL, whose query (``sslmode=verify-full``, …) goes to libpq.

    Connections persist; a thread keeps its own. ``pooled`` leaves the start-up options away, which PgBouncer refuses:
    there the time limits belong to the role. Prepared statements are off by Django's default, as a pool needs it.
    """
    parts = urlsplit(url)
    limits = "-c timezone=Asia/Tokyo -c lock_timeout=8000 -c idle_in_transaction_session_timeout=60000"
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or 5432),
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": True,
        "OPTIONS": {
            **({} if pooled else {"options": limits}),
            **dict(parse_qsl(parts.query)),
        },
    }


def database_url() -> str:
    """``DATABASE_URL``, or the embedded server of the data folder, started when it does not run yet."""
    url = env.get("DATABASE_URL")
    if url:
        return url
    from madoguchi.ground.kit.postgres import EmbeddedPostgres

    return EmbeddedPostgres(DATA_DIR).start().url


INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "madoguchi.web.office",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "django_htmx",
    "procrastinate.contrib.django",
    "madoguchi.ground.contracts",
    "madoguchi.ground.privacy",
    "madoguchi.ground.audit",
    "madoguchi.ground.worklog",
    "madoguchi.ground.accounts",
    "madoguchi.domain.procedures",
    "madoguchi.domain.notices",
    "madoguchi.domain.callflow",
    "madoguchi.domain.staffing",
    "madoguchi.domain.worklists",
    "madoguchi.domain.booking",
    "madoguchi.domain.premises",
    "madoguchi.domain.photos",
    "madoguchi.domain.calls",
    "madoguchi.domain.cards",
    "madoguchi.domain.reception",
    "madoguchi.domain.survey",
    "madoguchi.domain.cases",
    "madoguchi.domain.incidents",
    "madoguchi.domain.reports",
    "madoguchi.domain.billing",
    "madoguchi.domain.obligations",
    "madoguchi.domain.papers",
    "madoguchi.domain.forecast",
    "madoguchi.domain.handover",
    "madoguchi.web.ui",
    "madoguchi.web.citizen",
    "madoguchi.web.callcentre",
    "madoguchi.web.counter",
    "madoguchi.web.api",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "madoguchi.web.ui.middleware.SecurityHeaders",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "madoguchi.web.ui.middleware.ResidentLanguage",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "madoguchi.web.ui.middleware.SessionActivity",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "madoguchi.web.ui.middleware.StaffGate",
    "madoguchi.web.ui.middleware.PlainText",
    "madoguchi.web.ui.middleware.IndividualNumberNet",
    "madoguchi.web.ui.middleware.ContractScope",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "accounts.User"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "madoguchi.web.ui.context.shell",
            ],
        },
    }
]

TIME_ZONE = "Asia/Tokyo"
USE_TZ = True
LANGUAGE_CODE = "ja"
USE_I18N = True
LANGUAGES = [
    ("ja", "日本語"),
    ("ja-easy", "やさしい日本語"),
    ("en", "English"),
    ("zh-hans", "简体中文"),
    ("ko", "한국어"),
    ("vi", "Tiếng Việt"),
    ("pt", "Português"),
    ("fil", "Filipino"),
    ("ne", "नेपाली"),
    ("es", "Español"),
]
LOCALE_PATHS = [BASE / "madoguchi" / "locale"]
LANGUAGE_COOKIE_NAME = "lang"

STATIC_URL = "/static/"
STATIC_ROOT: Path | None = BASE / "static-collected"
STATICFILES_DIRS = [("app", BASE / "frontend")]

CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "django_cache"},
}
SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_NAME = "madoguchi"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "madoguchi.web.ui.views.csrf_failure"
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000

AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

# Staff sign-in: e-mail, password, second factor; accounts are made only by invitation.
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/staff/"
LOGOUT_REDIRECT_URL = "/accounts/login/"
ACCOUNT_ADAPTER = "madoguchi.ground.accounts.adapters.StaffAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_EMAIL_SUBJECT_PREFIX = "【窓口】"
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_LOGIN_ON_PASSWORD_RESET = False
ACCOUNT_REAUTHENTICATION_TIMEOUT = 600
ACCOUNT_RATE_LIMITS = {
    "login": "60/m/ip",
    "login_failed": "30/m/ip,5/15m/key",
    "reset_password": "20/m/ip,3/15m/key",
    "reset_password_from_key": "20/m/ip",
    "change_password": "5/m/user",
    "reauthenticate": "10/m/user",
}
MFA_ADAPTER = "madoguchi.ground.accounts.adapters.StaffMFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_TOTP_ISSUER = "Madoguchi"
MFA_TOTP_TOLERANCE = 1
MFA_PASSKEY_LOGIN_ENABLED = False
MFA_TRUST_ENABLED = False
MFA_RECOVERY_CODES_SHOW_ONCE = True
USERSESSIONS_TRACK_ACTIVITY = True

EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
EMAIL_TIMEOUT = 15
MAIL_FROM = env.get("MADOGUCHI_MAIL_FROM", "no-reply@madoguchi.invalid")
DEFAULT_FROM_EMAIL = MAIL_FROM
PUBLIC_URL = env.get("MADOGUCHI_URL") or f"http://127.0.0.1:{env.get('PORT', '8000')}"


def smtp(url: str) -> dict[str, object]:
    """Django's mail settings for a URL: ``smtp`` (plain), ``smtp+starttls`` or ``smtps`` (TLS from the first byte).

    Raises ``ImproperlyConfigured`` for another scheme.
    """
    parts = urlsplit(url)
    ports = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
    if parts.scheme not in ports:
        raise ImproperlyConfigured(
            f"MADOGUCHI_SMTP begins with {parts.scheme!r}; write one of {', '.join(f'{name}://' for name in ports)}"
        )
    return {
        "EMAIL_HOST": parts.hostname or "127.0.0.1",
        "EMAIL_PORT": parts.port or ports[parts.scheme],
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_USE_TLS": parts.scheme == "smtp+starttls",
    }


globals().update(smtp(env.get("MADOGUCHI_SMTP") or "smtp://127.0.0.1:2525"))

VOICE_SIP = env.get("MADOGUCHI_VOICE_SIP") or "127.0.0.1:5060"
VOICE_DOOR_URL = env.get("MADOGUCHI_VOICE_DOOR") or "ws://127.0.0.1:8021/"

SMS_GATEWAY = env.get("MADOGUCHI_SMS")
if SMS_GATEWAY and not SMS_GATEWAY.startswith("https://") and (SMS_GATEWAY, env.get("MADOGUCHI_MODE")) != ("demo", "demo"):
    raise ImproperlyConfigured("MADOGUCHI_SMS must be https://KEY:SECRET@host/path: it carries telephone numbers")



def line_channels(text: str) -> dict[str, tuple[str, str]]:
    """Contract code → channel secret and access token. Raises ``ImproperlyConfigured``."""
    entries = [entry.split(":") for entry in text.split()]
    if not all(len(entry) == 3 and all(entry) for entry in entries):
        raise ImproperlyConfigured("MADOGUCHI_LINE is CONTRACT:SECRET:TOKEN for each city, separated by spaces")
    return {code: (secret, token) for code, secret, token in entries}


LINE_STAND_IN = (env.get("MADOGUCHI_LINE"), env.get("MADOGUCHI_MODE")) == ("demo", "demo")
LINE: dict[str, tuple[str, str]] = {} if LINE_STAND_IN else line_channels(env.get("MADOGUCHI_LINE"))
LINE_API = env.get("MADOGUCHI_LINE_API", "https://api.line.me")
if not LINE_API.startswith(("https://", "http://127.0.0.1:")):
    raise ImproperlyConfigured("MADOGUCHI_LINE_API must be https (or http://127.0.0.1:PORT): it carries keys and user ids")



def photo_stores(text: str) -> dict[str, tuple[str, str, str, str]]:
    """Contract code → address, region, key and secret of its store. Raises ``ImproperlyConfigured``."""
    found = {}
    for entry in text.split():
        code, _, url = entry.partition("=")
        parts = urlsplit(url)
        region = parts.path.strip("/")
        local = parts.scheme == "http" and parts.hostname == "127.0.0.1"
        if not (code and parts.hostname and parts.username and parts.password and region and (parts.scheme == "https" or local)):
            raise ImproperlyConfigured("MADOGUCHI_PHOTO_S3 is CONTRACT=https://KEY:SECRET@host/REGION for each city, separated by spaces")
        host = f"{parts.hostname}:{parts.port}" if parts.port else parts.hostname
        found[code] = (f"{parts.scheme}://{host}", region, unquote(parts.username), unquote(parts.password))
    return found


PHOTO_FOLDER: Path | None = env.path("MADOGUCHI_PHOTO_FOLDER", DATA_DIR) if env.get("MADOGUCHI_PHOTO_FOLDER") else None
PHOTO_S3 = photo_stores(env.get("MADOGUCHI_PHOTO_S3"))

# The web path commits waiting reservations in groups (madoguchi.domain.booking.batch).
GROUP_COMMIT = True

# Rate limits of the public pages: (count, seconds). See madoguchi.web.ui.throttle.
RATE_LIMITS = {"lookup": (10, 600), "reserve": (30, 600), "notice": (20, 600), "page": (600, 60), "line": (600, 60), "line_code": (10, 3600),
    "machine": (60, 600), "tickets": (300, 3600), "survey": (20, 3600), "survey_kiosk": (60, 600),
}


def key_from_text(text: str) -> bytes:
    """32 bytes from base64; ``ValueError`` says what is wrong."""
    raw = base64.b64decode(text, validate=True)
    if len(raw) != 32:
        raise ValueError(f"a master key is 32 bytes in base64, got {len(raw)} bytes")
    return raw


def derived(secret: bytes, label: str) -> str:
    """A text key derived from a local secret, one per purpose."""
    return hashlib.sha256(label.encode() + b"\0" + secret).hexdigest()


PROCRASTINATE_IMPORT_PATHS: list[str] = []

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {"madoguchi": {"level": "INFO"}},
}
