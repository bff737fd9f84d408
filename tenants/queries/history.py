"""Rebuilds the configuration at a version, in the very form in which the snapshot holds it.

Secrets and private keys are not in the history, and nothing is missing without them.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from tenants.models import ConfigurationChange, Group, Tenant
from tenants.queries.client_core import build_client
from tenants.queries.past import (
    MODELS,
    Past,
    State,
    complete,
    read_past,
    read_present,
    read_tenant_past,
)
from tenants.queries.tenant_core import build_core

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from tenants.records import ClientRecord, TenantSnapshot

PLATFORM_ID: Final = "1"
# How migration 0002 makes the platform, whose first change is the first thing the history knows.
FIRST_PLATFORM: Final[Mapping[str, Any]] = {
    "access_token_lifetime_seconds": 3_600,
    "max_access_token_lifetime_seconds": 86_400,
    "refresh_token_lifetime_seconds": 2_592_000,
    "max_refresh_token_lifetime_seconds": 31_536_000,
    "refresh_token_idle_lifetime_seconds": 604_800,
    "max_refresh_token_idle_lifetime_seconds": 7_776_000,
    "access_token_format": "jwt",
    "claim_profile": "rfc9068",
}
# The links of an access policy: relation -> the kind that it names. Groups have no history.
POLICY_LINKS: Final = {
    "clients": "client",
    "apis": "api",
    "scopes": "scope",
    "trust_profiles": "trust_profile",
    "subjects": "subject",
    "groups": "group",
}


def read_core_at(
    tenant_id: UUID, versions: Sequence[int], *, base_url: str, client: UUID | None = None
) -> TenantSnapshot | None:
    """Rebuild a tenant's core at the versions of platform, environment and tenant.

    None where the tenant is younger, or its history is not kept. A client that is asked about was
    there, although it may have been deleted before the tenant's next change.
    """
    platform_version, environment_version, tenant_version = versions[:3]
    past = read_tenant_past(tenant_id, tenant_version)
    past = Past(
        past.changes, {k: d for k, d in past.deaths.items() if k != ("client", str(client))}
    )
    tenant = past.state("tenant", str(tenant_id))
    if tenant is None:
        return None
    environment = _read_environment(tenant["environment_id"], environment_version)
    if environment is None:
        return None
    document = _describe_tenant(past)
    document |= {
        "tenant": {
            **complete(MODELS["tenant"], tenant),
            "version": tenant_version,
            "pairwise_salt": _read_salt(tenant_id),
        },
        "environment": {**environment, "version": environment_version},
        "platform": {**_read_platform(platform_version), "version": platform_version},
        "project_slug": _read_project_slug(environment["project_id"], platform_version),
    }
    return build_core(document, base_url=base_url)


def read_client_at(
    tenant_id: UUID, client: UUID, version: int, *, tenant_version: int
) -> ClientRecord | None:
    """Rebuild a client at its version, without secrets; None where there was none."""
    own = read_past("client", client, version)
    change_id, state = own.changes.get(("client", str(client)), (0, None))
    if state is None:
        return None
    past = read_tenant_past(tenant_id, tenant_version)
    return build_client(
        {
            "client": {**complete(MODELS["client"], state), "version": version},
            "secrets": (),
            "scopes": past.linked("scope", state["scopes"], change_id),
            "default_scopes": past.linked("scope", state["default_scopes"], change_id),
            "impersonation_scopes": past.linked(
                "scope", state.get("impersonation_scopes", ()), change_id
            ),
            **{
                name: past.linked("trust_profile", state.get(name, ()), change_id)
                for name in ("sign_in_profiles", "excluded_sign_in_profiles")
            },
            "grants": _list_states(own, "client_grant_settings"),
        }
    )


def _read_salt(tenant_id: UUID) -> str | None:
    """Read the salt of a tenant's pairwise ids, as JSON has it; it never changes, once made."""
    rows = Tenant.objects.filter(pk=tenant_id).values_list("pairwise_salt", flat=True)
    salt = rows.first()
    return f"\\x{bytes(salt).hex()}" if salt is not None else None


def _describe_tenant(past: Past) -> dict[str, Any]:
    """Make the document of which a core is built, as the snapshot's own statement does."""
    scopes = _list_states(past, "scope")
    names = {scope["id"]: scope["name"] for scope in scopes}
    keys = [key for key in _list_states(past, "signing_key") if key["state"] != "retired"]
    return {
        "apis": [
            {"api": api, "clients": past.linked("client", api["resource_server_clients"], since)}
            for since, api in _living(past, "api")
        ],
        "scopes": scopes,
        "keys": sorted(keys, key=lambda key: datetime.fromisoformat(key["created_at"])),
        "policies": _describe_policies(past, names),
        "trust_profiles": [
            {
                "profile": profile,
                "scopes": _scope_names(past, profile["maximum_scopes"], since, names),
                "direct_apis": past.linked("api", profile.get("direct_apis", ()), since),
            }
            for since, profile in _living(past, "trust_profile")
            if profile["is_enabled"]
        ],
        "claim_profiles": _list_states(past, "claim_profile"),
        "claim_rules": _by_slug(_list_states(past, "claim_rule")),
    }


def _describe_policies(past: Past, names: Mapping[str, str]) -> list[dict[str, Any]]:
    described = []
    for since, policy in _living(past, "access_policy"):
        if not policy["is_enabled"]:
            continue
        links = {
            name: past.linked(kind, policy.get(name, ()), since)
            for name, kind in POLICY_LINKS.items()
        }
        links["scopes"] = _scope_names(past, policy.get("scopes", ()), since, names)
        links["groups"] = _group_slugs(links["groups"])
        described.append({"policy": policy, **links})
    return sorted(described, key=lambda row: row["policy"]["slug"])


def _scope_names(past: Past, ids: Sequence[str], since: int, names: Mapping[str, str]) -> list[str]:
    return [names[key] for key in past.linked("scope", ids, since) if key in names]


def _group_slugs(ids: Sequence[str]) -> list[str]:
    """Name groups as they are now: they are facts about people, and facts have no history."""
    return [*Group.objects.filter(pk__in=ids).values_list("slug", flat=True)] if ids else []


def _living(past: Past, kind: str) -> list[tuple[int, State]]:
    return [(since, complete(MODELS[kind], state)) for since, state in past.living(kind)]


def _list_states(past: Past, kind: str) -> list[State]:
    return [state for _, state in _living(past, kind)]


def _by_slug(states: list[State]) -> list[State]:
    return sorted(states, key=lambda state: str(state["slug"]))


def _read_environment(environment_id: str, version: int) -> State | None:
    past = read_past("environment", environment_id, version)
    state = past.state("environment", environment_id)
    if state is None:
        return read_present(MODELS["environment"], environment_id)
    return complete(MODELS["environment"], state)


def _read_platform(version: int) -> State:
    past = read_past("platform", PLATFORM_ID, version, entity_ids=[PLATFORM_ID])
    state = past.state("platform", PLATFORM_ID)
    if state is None and not ConfigurationChange.objects.filter(entity_kind="platform").exists():
        state = read_present(MODELS["platform"], PLATFORM_ID)
    return complete(MODELS["platform"], state or dict(FIRST_PLATFORM))


def _read_project_slug(project_id: str, version: int) -> str:
    past = read_past("platform", PLATFORM_ID, version, entity_ids=[project_id])
    state = past.state("project", project_id) or read_present(MODELS["project"], project_id)
    return str(state["slug"]) if state else ""
