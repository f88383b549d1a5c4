"""Floor 1: what everyone stands on."""
