"""Settings by mode: ``config.settings.demo``, ``.development``, ``.production``, ``.test`` build on ``.base``."""
