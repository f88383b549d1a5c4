"""Keys of a contract, wrapped by the master key."""

from __future__ import annotations

from django.db import models

from madoguchi.ground.contracts.tenancy import TenantModel


class ContractKey(TenantModel):
    """One version of a contract's keys. Data is sealed with the newest; older ones stay readable until re-sealed.

    ``wrapped`` is the data key, ``wrapped_index`` the blind-index key (the same value is wrapped in every version,
    because an index must stay comparable), each AES-256-GCM under the master key whose fingerprint is ``master``.
    """

    version = models.SmallIntegerField()
    wrapped = models.BinaryField()
    wrapped_index = models.BinaryField()
    master = models.CharField(max_length=16)
    created_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["contract", "version"], name="contract_key_version")]
