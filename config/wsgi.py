"""The WSGI entry: what every web process serves."""

from __future__ import annotations

import gc
import os

from config import env

os.environ.setdefault("DJANGO_SETTINGS_MODULE", f"config.settings.{env.get('MADOGUCHI_MODE', 'development')}")

from django.core.wsgi import get_wsgi_application

django_application = get_wsgi_application()

from madoguchi.ground.kit.processes import end_with_parent
from madoguchi.web.api.front import wrap
from madoguchi.web.counter import calls, screens

end_with_parent()

application = calls.wrap(screens.wrap(wrap(django_application)))

# What is loaded by now stays: the garbage collector need not look at it again with every few hundred requests.
gc.collect()
gc.freeze()
