"""Staff, their assignments to contracts, invitations."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower

from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import TenantModel
from madoguchi.ground.kit.actors import ActorKind


class UserManager(BaseUserManager["User"]):
    """Makes users by e-mail address."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """A user with a normalised address; without password the account can only be entered through an invitation."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email__iexact=username)


class User(AbstractBaseUser):
    """A member of staff. ``is_system_admin`` runs the installation and sees no resident's data by that right."""

    email = models.EmailField("メールアドレス", unique=True)
    name = models.CharField("氏名", max_length=80)
    organisation = models.CharField("所属", max_length=120, blank=True)
    is_active = models.BooleanField(default=True)
    is_system_admin = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]
    objects = UserManager()

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_lower")]

    def __str__(self) -> str:
        return self.name or self.email

    def get_full_name(self) -> str:
        return self.name


class Role(models.TextChoices):
    """Roles of a contract, from the least to the widest."""

    AUDITOR = "auditor", "監査"
    OPERATOR = "operator", "オペレーター"
    COUNTER = "counter", "窓口スタッフ"
    SUPERVISOR = "supervisor", "リーダー（SV）"
    MANAGER = "manager", "業務責任者"
    CITY = "city", "市職員"


ACTOR_KIND_OF_ROLE = {
    Role.OPERATOR: ActorKind.CALL_CENTRE,
    Role.SUPERVISOR: ActorKind.CALL_CENTRE,
    Role.MANAGER: ActorKind.CALL_CENTRE,
    Role.COUNTER: ActorKind.COUNTER,
    Role.CITY: ActorKind.CITY,
    Role.AUDITOR: ActorKind.CITY,
}


class Assignment(models.Model):
    """A user's role under one contract. Not a tenant table: it decides which contracts a user may enter."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    contract = models.ForeignKey(Contract, models.PROTECT, related_name="+")
    role = models.CharField(max_length=12, choices=Role.choices)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "contract"],
                name="one_role_per_contract",
                violation_error_message="この担当者には、この契約での役割がすでにあります。役割を変更してください。",
            ),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="known_role"),
        ]


class Invitation(models.Model):
    """A single-use link by mail. Only the hash of its token is kept; ``invited_by`` is empty for the command line."""

    contract = models.ForeignKey(Contract, models.PROTECT, related_name="+")
    email = models.EmailField()
    name = models.CharField(max_length=80)
    organisation = models.CharField(max_length=120, blank=True)
    role = models.CharField(max_length=12, choices=Role.choices)
    token_hash = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)


class ApiKey(TenantModel):
    """A key of the programming interface of one contract. Only the hash of the secret is kept.

    ``signing`` seals the secret of a key that signs, since a signature is checked with the secret itself. ``sources`` are the networks a
    request may come from; none named: from anywhere.
    """

    name = models.CharField("用途", max_length=80)
    prefix = models.CharField(max_length=12)
    secret_hash = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField(default=list)
    per_minute = models.IntegerField("1分あたりの上限（0は無制限）", default=600)
    signing = models.BinaryField(null=True)
    sources = ArrayField(models.CharField(max_length=49), default=list)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=80, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
