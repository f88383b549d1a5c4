"""Database functions live in ``.sql`` files beside their app and are installed again after every migration."""

from __future__ import annotations

from pathlib import Path

from django.apps import AppConfig
from django.db import connection
from django.db.models.signals import post_migrate


def install_after_migrate(config: AppConfig, *names: str) -> None:
    """Run the app's ``sql/<name>`` files (``create or replace …``) whenever migrations of that app have run."""
    files = [Path(config.path) / "sql" / name for name in names]

    def install(**kwargs: object) -> None:
        with connection.cursor() as cursor:
            for path in files:
                cursor.execute(path.read_text())

    post_migrate.connect(install, sender=config, weak=False, dispatch_uid=f"sql of {config.label}")
