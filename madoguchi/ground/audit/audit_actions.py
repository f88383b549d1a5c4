"""Actions of the log itself. Target: ``contract:<code>``."""

from .actions import Action, register

register(Action("audit.exported", "操作の記録を出力した"))
