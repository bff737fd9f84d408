"""An export is complete, without defaults, and the same bytes each time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
import yaml
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tenants.configuration.export import dump, export
from tenants.configuration.kinds import KINDS, PLATFORM
from tenants.configuration.stored import OWNER_FIELDS
from tenants.errors import NotFound
from tenants.models import Client, Tenant, User
from tests.unit.tenants.configuration.files import apply, tenant
from tests.unit.tenants.configuration.test_application import FULL, VARIABLES

if TYPE_CHECKING:
    from tenants.configuration.vocabulary import Kind
    from tenants.records import JSON

pytestmark = pytest.mark.django_db
# Fields that are no configuration: they are made by the platform itself, or written as a secret.
NOT_STATED = {
    *("id", "tenant", "version", "path", "built_in", "created_at", "last_used_at"),
    *("pepper_id", "secret_hash", "typed_secret_hash", "token_hash", "hint"),
    *("shared_secret_ciphertext", "introspection_secret_ciphertext", "introspection_kek_id"),
    *("subjects", "created", "updated"),
    *("sign_in_secret_ciphertext", "sign_in_kek_id", "pairwise_salt"),
    *("registration_source", "cimd_expires_at", "registered_clients"),  # Of what registers itself.
}


def start_over(text: str) -> str:
    """Apply an export to an empty database and export again, leaving nothing behind."""
    with transaction.atomic():
        apply(text)
        exported = export()
        transaction.set_rollback(True)
    return exported


@pytest.fixture
def full() -> str:
    User.objects.create_user("anna")
    with transaction.atomic():
        apply(tenant(FULL), variables=VARIABLES)
        text = export()
        transaction.set_rollback(True)
    return text


def test_an_export_makes_the_same_export_on_an_empty_database(full: str) -> None:
    assert "api-client" in full
    assert start_over(full) == full


def test_an_export_changes_nothing_where_it_came_from(full: str) -> None:
    apply(full)
    assert apply(export()) == []
    assert export() == full


def test_defaults_are_left_out_and_ids_stated_on_demand_only(full: str) -> None:
    content = yaml.safe_load(full)
    (project,) = content["projects"]
    assert project["environments"][0]["tenants"][0]["clients"][1] == {
        "client_id": "gateway",
        "secrets": [],
        "grant_settings": [],
    }
    assert "id" not in project
    apply(full)
    with_ids = yaml.safe_load(export(with_ids=True))
    (stated,) = with_ids["projects"][0]["environments"][0]["tenants"]
    assert stated["id"] == str(Tenant.objects.get().pk)
    assert stated["clients"][0]["id"] == str(Client.objects.get(client_id="api-client").pk)


def test_ids_survive_the_way_to_another_installation(full: str) -> None:
    apply(full)
    with_ids = export(with_ids=True)
    assert apply(with_ids) == []


def test_built_in_apis_are_left_out_until_they_change() -> None:
    apply(tenant())
    assert "apis: []" in export()
    apply(tenant("apis: [{slug: openid, scopes: [{name: loyalty}]}]"))
    stated = yaml.safe_load(export())["projects"][0]["environments"][0]["tenants"][0]["apis"]
    assert stated == [{"slug": "openid", "scopes": [{"name": "loyalty"}]}]


def test_some_tenants_can_be_exported_without_what_stands_above_them() -> None:
    apply(tenant("name: One"))
    apply(tenant("name: Two").replace("globex", "initech"))
    text = export(["acme/production/initech"])
    assert "platform" not in text
    assert "globex" not in text
    assert apply(text) == []
    with pytest.raises(NotFound, match="There is no tenant acme/production/none"):
        export(["acme/production/none"])


@pytest.mark.parametrize("kind", [PLATFORM, *KINDS.values()], ids=lambda kind: kind.name)
def test_every_field_is_stated_or_known_to_be_no_configuration(kind: Kind) -> None:
    meta = kind.model._meta  # noqa: SLF001 - Django's public API.
    fields = {field.name for field in (*meta.concrete_fields, *meta.many_to_many)}
    stated = {attribute.field_name for attribute in kind.attributes}
    owners = set(OWNER_FIELDS.values())
    extra = {"kek_id"} if kind.name == "trust_profiles" else set()
    assert fields - stated - (owners - stated) - extra <= NOT_STATED


Entries: TypeAlias = "st.SearchStrategy[Any]"
TEXTS: Entries = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
NAMES: Entries = st.sampled_from(["one", "two", "three"])
LIVES: Entries = st.none() | st.integers(60, 3600)
GRANTS: Entries = st.lists(st.sampled_from(["client_credentials", "refresh_token"]), unique=True)


def unique(entries: Entries, key: str) -> Entries:
    return st.lists(entries, max_size=3, unique_by=lambda entry: entry[key])


REFRESH: Entries = st.fixed_dictionaries(
    {}, optional={"enabled": st.none() | st.booleans(), "idle_lifetime_seconds": LIVES}
)
CLIENTS: Entries = unique(
    st.fixed_dictionaries(
        {"client_id": NAMES},
        optional={
            "name": TEXTS,
            "is_enabled": st.booleans(),
            "kind": st.sampled_from(["service", "web", "native"]),
            "grant_types": GRANTS,
            "scopes": st.just(["read"]),
            "access_token_lifetime_seconds": LIVES,
            "access_token_format": st.sampled_from([None, "jwt", "opaque"]),
            "refresh_token": REFRESH,
            "redirect_uris": st.lists(
                st.sampled_from(["https://a.example/", "https://b.example/"]), max_size=2
            ),
            "default_max_age": st.none() | st.integers(0, 3600),
            "offline_lifetimes_seconds": st.lists(LIVES.filter(bool), unique=True, max_size=3),
            "sector_identifier": st.sampled_from(["", "a.example"]),
            "on_session_limit": st.sampled_from(["refuse", "end_oldest"]),
            "require_auth_time": st.booleans(),
            "grant_settings": unique(
                st.fixed_dictionaries(
                    {"grant_type": st.sampled_from(["client_credentials", "refresh_token"])},
                    optional={"access_token_lifetime_seconds": LIVES, "refresh_token": REFRESH},
                ),
                "grant_type",
            ),
        },
    ),
    "client_id",
)
VALUES: Entries = st.recursive(
    st.booleans() | st.integers(-(10**9), 10**9) | TEXTS,
    lambda values: st.lists(values, max_size=2) | st.dictionaries(TEXTS, values, max_size=2),
    max_leaves=4,
).filter(lambda value: value not in ("", [], {}))  # The model wants a value.
MEMBERS: Entries = st.sampled_from(["client_id", {"who": "client_id", "as": ["grant_type"]}])


def is_told(permission: str) -> bool:
    return permission != "" and permission.isprintable()


TENANTS: Entries = st.fixed_dictionaries(
    {
        "slug": st.just("globex"),
        "apis": st.just(
            [{"slug": "a", "audience": "https://a.example/", "scopes": [{"name": "read"}]}]
        ),
        "clients": CLIENTS,
    },
    optional={
        "name": TEXTS,
        "access_token_lifetime_seconds": LIVES,
        "scope_excess": st.sampled_from(["reject", "narrow", None]),
        "accent_colour": st.sampled_from(["#0b57d0", "", None]),
        "sign_in_lifetime_seconds": LIVES,
        "client_registration": st.sampled_from(["off", "token", "open"]),
        "access_policies": unique(
            st.fixed_dictionaries(
                {"slug": NAMES},
                optional={"effect": st.sampled_from(["allow", "deny"]), "apis": st.just(["a"])},
            ),
            "slug",
        ),
        "claim_rules": unique(
            st.fixed_dictionaries(
                {"slug": NAMES, "claim": st.just("x"), "value": VALUES},
                optional={
                    "is_required": st.booleans(),
                    "condition": st.sampled_from([{}, {"client_id": "x"}]),
                },
            )
            | st.fixed_dictionaries(
                {"slug": NAMES, "claim": st.just("x"), "value": MEMBERS}
                | {"source": st.sampled_from(["record", "foreign_claim"])}
            )
            | st.fixed_dictionaries(
                {"slug": NAMES, "claim": st.just("x"), "value": st.just("${client_id}")}
                | {"source": st.just("template")}
            ),
            "slug",
        ),
        "groups": unique(
            st.fixed_dictionaries(
                {"slug": NAMES},
                optional={
                    "permissions": st.lists(TEXTS.filter(is_told), max_size=2),
                    "roles": st.sampled_from([[], ["clerk"]]),
                },
            ),
            "slug",
        ),
    },
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(TENANTS)
def test_any_configuration_comes_back_byte_for_byte(stated: JSON) -> None:
    text = dump(
        {
            "projects": [
                {
                    "slug": "acme",
                    "environments": [{"slug": "production", "tenants": [stated]}],
                }
            ]
        }
    )
    with transaction.atomic():
        apply(text)
        assert apply(text) == []
        exported = export()
        transaction.set_rollback(True)
    assert start_over(exported) == exported
