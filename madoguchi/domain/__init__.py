"""Floor 2: what we do. An app calls only apps on lower lines (see pyproject, import contracts)."""
