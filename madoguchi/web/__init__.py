"""Floor 3: who looks at it. Views, forms, templates; never a rule, never a write of its own."""
