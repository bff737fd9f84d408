"""Explains an issued token or a refusal, or previews a token, for people and for programs."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from tenants.models import Tenant
from tenants.models.access_policy import OperationChoice
from tenants.queries.client_core import read_client
from tenants.queries.tenant_core import read_core
from tenants.records import AccessRequest, GrantType
from tokens.explain import explain_request_id, explain_token, read_subject
from tokens.explained_text import write_text
from tokens.explanations import describe_preview, describe_refusal, describe_token
from tokens.management.policy_files import try_policy_file
from tokens.preview import preview
from tokens.stated_tokens import StatedTokenRefused, state_token

if TYPE_CHECKING:
    from django.core.management.base import CommandParser

    from tenants.records import JSON, TenantSnapshot


class Command(BaseCommand):
    """Says why a token is what it is, why a request was refused, or what a request would get."""

    help = (
        "Explain a token (--jti), a refusal (--request-id), or preview what a client would get "
        "(--client)."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Name the tenant, and one thing to explain."""
        parser.add_argument("--tenant", required=True, help="project/environment/tenant.")
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--jti", type=_read_id, help="The id of an issued access token.")
        what.add_argument("--request-id", help="The X-Request-Id of a refusal.")
        what.add_argument("--client", help="The client_id whose token is previewed.")
        parser.add_argument(
            "--grant",
            choices=OperationChoice.values,
            default="client_credentials",
            help="A grant type; with --policy introspection or access as well.",
        )
        parser.add_argument("--scope", action="append", default=[], help="May be repeated.")
        parser.add_argument("--audience", action="append", default=[], help="May be repeated.")
        parser.add_argument("--subject", type=_read_id, help="The id of an end user.")
        parser.add_argument(
            "--trust-profile", default="", help="With --claims: whose outside token is previewed."
        )
        parser.add_argument(
            "--claims", default="", help="The claims of the outside token, as a JSON object."
        )
        parser.add_argument(
            "--policy",
            type=Path,
            help="A file with one access policy, edited and not saved, to try on --client or "
            "--request-id: YAML or JSON with the members of the management API; a stored slug "
            "means that policy.",
        )
        parser.add_argument(
            "--access",
            type=_read_object,
            default={},
            help="With --policy, the entities of an access evaluation, as JSON.",
        )
        parser.add_argument("--json", action="store_true", help="Write JSON.")

    def handle(self, *_: object, **options: Any) -> None:  # noqa: ANN401 - as Django types it.
        """Explain the one thing that is named."""
        tenant = Tenant.objects.filter(path=options["tenant"]).first()
        if tenant is None:
            raise CommandError(f"There is no tenant {options['tenant']}.")
        is_preview = options["client"] and not options["policy"]
        if not is_preview and (options["trust_profile"] or options["claims"]):
            raise CommandError("Only a preview (--client, without --policy) states claims.")
        if options["policy"]:
            described = try_policy_file(tenant, options)
        else:
            described = _describe(tenant, options)
        text = json.dumps(described, indent=2) if options["json"] else write_text(described)
        self.stdout.write(text)


def _read_id(text: str) -> UUID:
    return UUID(text.removeprefix("AT."))


def _read_object(text: str) -> dict[str, JSON]:
    found: JSON = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError("no object")  # noqa: TRY004 - what argparse names as a wrong value.
    return found


def _describe(tenant: Tenant, options: dict[str, Any]) -> dict[str, JSON]:
    if options["jti"]:
        explained = explain_token(tenant.pk, options["jti"])
        if explained is None:
            raise CommandError("This tenant has no such access token, or it is not kept any more.")
        return describe_token(explained)
    if options["request_id"]:
        refusal = explain_request_id(tenant.pk, options["request_id"])
        if refusal is None:
            raise CommandError("No trace is kept under this request id; it may only be counted.")
        return describe_refusal(refusal)
    return _preview(tenant, options)


def _preview(tenant: Tenant, options: dict[str, Any]) -> dict[str, JSON]:
    if options["grant"] not in set(GrantType) or options["access"]:
        raise CommandError("A preview is of a token; introspection and access need --policy.")
    core = read_core(tenant.path, base_url=settings.TENANTS_BASE_URL)
    client = read_client(tenant.pk, options["client"])
    if core is None or client is None:
        raise CommandError(f"The tenant has no client {options['client']}.")
    found = read_subject(tenant.pk, options["subject"]) if options["subject"] else None
    if options["subject"] and found is None:
        raise CommandError("The tenant has no such end user.")
    scopes = tuple(name for text in options["scope"] for name in text.split())
    now = time.time()
    request = AccessRequest(
        grant_type=options["grant"],
        client=client,
        subject=found[0] if found else None,
        groups=found[1] if found else None,
        requested_scopes=scopes or None,
        requested_audiences=tuple(options["audience"]),
        method="POST",
        now=now,
    )
    if options["trust_profile"] or options["claims"]:
        request = _state_token(request, core, options)
    return describe_preview(preview(request, core, now=now))


def _state_token(
    request: AccessRequest, core: TenantSnapshot, options: dict[str, Any]
) -> AccessRequest:
    if not (options["trust_profile"] and options["claims"]):
        raise CommandError("Give --trust-profile and --claims together.")
    try:
        return state_token(
            request,
            core,
            trust_profile=options["trust_profile"],
            text=options["claims"],
            now=request.now,
        )
    except StatedTokenRefused as refused:
        raise CommandError(str(refused)) from refused
