"""Where a photo stands."""

from django.db import models


class State(models.TextChoices):
    """``OPEN`` until a picture came; ``LOST``: it was erased before the place took it."""

    OPEN = "open", "撮影前"
    WAITING = "waiting", "届け先の応答待ち"
    DELIVERED = "delivered", "届け済み"
    LOST = "lost", "届かず消去（撮り直し）"
    DROPPED = "dropped", "取りやめ"
