"""Tries a policy out of a file, as the admin's test panel tries one out of its form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import CommandError
from rest_framework.exceptions import ValidationError

from tenants.api.policy_trials import PolicyTrialDocument, judge
from tenants.configuration.yaml_reader import MalformedDocument, read_documents
from tenants.errors import InvalidEntity, NotFound
from tenants.models import AccessPolicy, Tenant
from tenants.queries.tenant_core import read_core

if TYPE_CHECKING:
    from pathlib import Path

    from tenants.records import JSON

MAX_FILE_BYTES = 65_536


def try_policy_file(tenant: Tenant, options: dict[str, Any]) -> dict[str, JSON]:
    """Judge a client's or a refused request by the live configuration and by the file's policy.

    Raises:
        CommandError: in one sentence, what to mend.
    """
    core = read_core(tenant.path, base_url=settings.TENANTS_BASE_URL)
    if core is None or not (options["client"] or options["request_id"]):
        raise CommandError("--policy needs --client or --request-id, whose request is tried.")
    document = PolicyTrialDocument(data=_write_document(tenant, options))
    try:
        document.is_valid(raise_exception=True)
        return judge(core, dict(document.validated_data))
    except (ValidationError, InvalidEntity, NotFound) as error:
        raise CommandError(f"The policy can't be tried: {error}") from error


def _write_document(tenant: Tenant, options: dict[str, Any]) -> dict[str, Any]:
    policy = _read_policy(options["policy"])
    request = {
        "client_id": options["client"],
        "operation": options["grant"],
        "scope": " ".join(options["scope"]),
        "audience": " ".join(options["audience"]),
        "subject": str(options["subject"]) if options["subject"] else None,
        "request_id": options["request_id"],
        "access": options["access"],
    }
    document: dict[str, Any] = {
        "policy": policy,
        "request": {name: value for name, value in request.items() if value},
    }
    stored = AccessPolicy.objects.filter(tenant=tenant, slug=policy.get("slug", "")).first()
    if stored is not None:
        document["policy_id"] = str(stored.pk)
        del policy["slug"]
    return document


def _read_policy(path: Path) -> dict[str, Any]:
    """Read the file as strictly as a configuration file: bounded, and nothing but JSON's values."""
    try:
        text = path.read_bytes()[: MAX_FILE_BYTES + 1]
        documents = list(read_documents(text.decode())) if len(text) <= MAX_FILE_BYTES else []
    except (OSError, ValueError) as error:
        raise CommandError(f"{path} can't be read: {error}") from error
    except MalformedDocument as error:
        raise CommandError(f"{path}, line {error.line}: {error.text}") from error
    policy = documents[0][0] if len(documents) == 1 else None
    if not isinstance(policy, dict):
        raise CommandError(f"{path} is no single mapping of at most {MAX_FILE_BYTES} bytes.")
    return policy
