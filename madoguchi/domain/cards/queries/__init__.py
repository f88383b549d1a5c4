"""Reads of the stock, by screen. All run inside ``contract_scope``."""
