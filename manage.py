#!/usr/bin/env python
"""Django's own commands; people use ``madoguchi``."""

import os
import sys

from config import env

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", f"config.settings.{env.get('MADOGUCHI_MODE', 'development')}")
    from django.core.management import execute_from_command_line

    from madoguchi.supervisor import Supervisor

    supervisor = Supervisor([], data_dir=env.path("MADOGUCHI_DATA", env.BASE / "var"), say=print)
    if not env.get("DATABASE_URL"):
        supervisor.hold_database()
    try:
        execute_from_command_line(sys.argv)
    finally:
        supervisor.release_database()
