"""Reads of the rooms of the counter. Inside ``contract_scope``; nothing here is personal data of residents."""
