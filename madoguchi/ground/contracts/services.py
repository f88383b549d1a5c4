"""Deeds on contracts: bring the database in line with the profile files."""

from __future__ import annotations

from django.db import transaction

from . import registry
from .models import Contract, Site
from .queries import forget_contracts
from .tenancy import contract_scope


@transaction.atomic
def sync_profiles() -> list[Contract]:
    """Create or update contracts and sites from every profile file; nothing is ever deleted.

    Raises ``ProfileError`` with all problems of the first broken file, and then changes nothing.
    """
    registry.forget()
    forget_contracts()
    profiles = [registry.profile(code) for code in registry.codes()]
    contracts = []
    for profile in profiles:
        contract, _ = Contract.objects.update_or_create(code=profile.code, defaults={"name": profile.city.name})
        with contract_scope(contract):
            Site.objects.bulk_create(
                [
                    Site(contract=contract, code=site.code, name=site.name, address=site.address, position=position)
                    for position, site in enumerate(profile.sites)
                ],
                update_conflicts=True,
                unique_fields=["contract", "code"],
                update_fields=["name", "address", "position"],
            )
        contracts.append(contract)
    return contracts
