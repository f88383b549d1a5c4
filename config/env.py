"""Every environment variable the program reads, in one place. ``docs/operations/environment.md`` lists them; a test keeps it true."""

from __future__ import annotations

import os
from pathlib import Path

BASE = Path(__file__).resolve().parent.parent

VARIABLES = {
    "MADOGUCHI_MODE": "demo | development | production. Default: development (`madoguchi demo` sets demo)",
    "MADOGUCHI_DATA": "Folder for the embedded database, keys of the demo, the clock and mails. Default: var/",
    "MADOGUCHI_PROFILES": "Folder of the contract profiles. Default: profiles/",
    "DATABASE_URL": "postgresql://user:password@host:port/name. Without it an embedded server runs in the data folder",
    "MADOGUCHI_PGBOUNCER": "1 when DATABASE_URL leads to PgBouncer in transaction mode. Default: 0",
    "MADOGUCHI_SECRET_KEY": "Signs sessions and links. Required in production",
    "MADOGUCHI_MASTER_KEY": "32 bytes in base64: wraps the key of each contract. Required in production",
    "MADOGUCHI_MASTER_KEYS_OLD": "Former master keys, comma separated, readable until every contract key is wrapped anew",
    "MADOGUCHI_HOSTS": "Host names the site answers to, comma separated. Required in production",
    "MADOGUCHI_URL": "Public address used in mails, e.g. https://yoyaku.example.jp. Default: http://127.0.0.1:PORT",
    "MADOGUCHI_SMTP": "smtp+starttls://user:password@host:587, smtps://…:465 or, inside one machine, smtp://…:25; the demo runs its own mailbox",
    "MADOGUCHI_MAIL_FROM": "Sender address of mails to residents",
    "MADOGUCHI_SMS": "https://KEY:SECRET@host/path of the gateway for short messages; without it none are sent (the demo has a stand-in)",
    "MADOGUCHI_LINE": "CONTRACT:SECRET:TOKEN of each city's LINE channel, separated by spaces; without it none are sent (the demo has a stand-in)",
    "MADOGUCHI_LINE_API": "Where LINE's Messaging API is. Default: https://api.line.me",
    "MADOGUCHI_VOICE": "Folder of the call flows and announcements that the telephone exchange plays. Default: voice/ in the data folder",
    "MADOGUCHI_VOICE_DOOR": "Where operators' browsers reach the telephone exchange, e.g. wss://denwa.example.jp/. Default: ws://127.0.0.1:8021/",
    "MADOGUCHI_VOICE_SIP": "Where SIP telephones reach the telephone exchange, HOST:PORT as people type it into them. Default: 127.0.0.1:5060",
    "MADOGUCHI_VOICE_SECRET": "Shared by site and telephone exchange: signs passes, seals the spool. Required in production with an exchange",
    "MADOGUCHI_AMI_SECRET": "Secret of the account in Asterisk's manager.conf, for madoguchi asterisk",
    "MADOGUCHI_PHOTO_FOLDER": "Folder (a mounted share) for photos where the profile says so; in it the city makes a folder CODE for each contract",
    "MADOGUCHI_PHOTO_S3": "CONTRACT=https://KEY:SECRET@host/REGION of each city's store for photos, separated by spaces",
    "MADOGUCHI_WORKERS": "Web processes. Default: 2",
    "MADOGUCHI_THREADS": "Threads per web process. Default: 16",
    "PORT": "Port of the web server. Default: 8000",
    "HOST": "Address of the web server. Default: 127.0.0.1",
}


def get(name: str, default: str = "") -> str:
    """Value of a variable listed above; ``KeyError`` for one that is not listed."""
    VARIABLES[name]
    return os.environ.get(name, default).strip()


def path(name: str, default: Path) -> Path:
    """A folder or file; a relative path counts from the working directory."""
    value = get(name)
    return Path(value).resolve() if value else default
