"""Deeds on procedures, by noun: ``texts`` (procedures and what is read about them), ``bring`` (the table of what to bring)."""

from .bring import ensure_rules
from .texts import SHIPPED, edit_text, ensure_procedures, shipped_texts

__all__ = ["SHIPPED", "edit_text", "ensure_procedures", "ensure_rules", "shipped_texts"]
