"""OpenID Connect Core section 8: a person has another id at each sector."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tenants.records import SYSTEM, GrantType
from tenants.services import changes
from tests.factories.openid import RelyingParty, make_party, make_person
from tests.factories.tenants import make_api, make_client, make_tenant
from tests.oauth_client import OAuthClient
from tests.rfc.verification import verify

if TYPE_CHECKING:
    from tenants.models import Tenant

PAIRWISE = {"subject_type": "pairwise"}
BOTH = ["openid", "offline_access", "read"]


@pytest.mark.requirement("OIDC Core", "8.1", "Every place that names the person names them alike.")
@pytest.mark.parametrize("token_format", ["jwt", "opaque"])
def test_every_place_has_the_pairwise_id(
    oauth: OAuthClient, tenant: Tenant, token_format: str
) -> None:
    api = make_api(tenant)
    party = make_party(
        tenant,
        scopes=BOTH,
        refresh_token_enabled=True,
        access_token_format=token_format,
        grant_types=["authorization_code", "refresh_token", "client_credentials"],
        **PAIRWISE,
    )
    changes.save(api, actor=SYSTEM, links={"resource_server_clients": [party.made.client]})
    answer = party.begin(*BOTH)
    sub = verify(oauth, answer["id_token"], audience="web-app")["sub"]
    assert sub != str(party.subject.pk)
    token = answer["access_token"]
    told = oauth.get("/oauth/userinfo", Authorization=f"Bearer {token}").json()
    again = oauth.token(
        party.made, grant_type="refresh_token", refresh_token=answer["refresh_token"]
    ).json()
    named = {
        "userinfo": told["sub"],
        "introspection": oauth.introspect(party.made, token).json()["sub"],
        "refresh token": oauth.introspect(party.made, again["refresh_token"]).json()["sub"],
        "refreshed ID token": verify(oauth, again["id_token"], audience="web-app")["sub"],
    }
    if token_format == "jwt":
        named["access token"] = verify(oauth, token, audience=None)["sub"]
    assert set(named.values()) == {sub}, named


def test_resource_server_knows_the_person_as_the_client_does(
    oauth: OAuthClient, tenant: Tenant
) -> None:
    """Two clients of one Api can't be brought together by what the Api learns."""
    api = make_api(tenant)
    gateway = make_client(tenant, "gateway", is_allowed=False)
    changes.save(api, actor=SYSTEM, links={"resource_server_clients": [gateway.client]})
    first = make_party(tenant, "first", scopes=["read"], sector_identifier="a.example", **PAIRWISE)
    second = make_party(
        tenant,
        "second",
        scopes=["read"],
        sector_identifier="b.example",
        subject=first.subject,
        **PAIRWISE,
    )
    subs = [
        oauth.introspect(gateway, party.begin("read")["access_token"]).json()["sub"]
        for party in (first, second)
    ]
    assert len({*subs, str(first.subject.pk)}) == 3


@pytest.mark.requirement("OIDC Core", "8", "What two clients learn can't be brought together.")
def test_sign_in_has_another_sid_at_each_sector(oauth: OAuthClient, tenant: Tenant) -> None:
    first = make_party(tenant, "first", sector_identifier="a.example", **PAIRWISE)
    same = make_party(
        tenant, "same", subject=first.subject, sector_identifier="a.example", **PAIRWISE
    )
    second = make_party(
        tenant, "second", subject=first.subject, sector_identifier="b.example", **PAIRWISE
    )
    public = make_party(tenant, "public", subject=first.subject)
    authentication = first.recognise()
    parties = {"first": first, "same": same, "second": second, "public": public}
    sids = {
        name: verify(
            oauth, party.begin("openid", authentication=authentication)["id_token"], audience=name
        )["sid"]
        for name, party in parties.items()
    }
    assert sids["public"] == str(authentication.sign_in_id)
    assert sids["first"] == sids["same"]
    assert len(set(sids.values())) == 3


@pytest.mark.parametrize("path", ["/me", "/users"])
def test_own_id_is_kept_from_a_pairwise_client(
    oauth: OAuthClient, tenant: Tenant, path: str
) -> None:
    token = make_party(tenant, **PAIRWISE).begin("openid")["access_token"]
    response = oauth.get(path, Authorization=f"Bearer {token}")
    assert (response.status_code, response.json()["error"]) == (403, "insufficient_scope")


def test_act_names_people_as_the_client_knows_them(oauth: OAuthClient, tenant: Tenant) -> None:
    party = make_party(
        tenant, grant_types=["authorization_code", GrantType.TOKEN_EXCHANGE.value], **PAIRWISE
    )
    other = RelyingParty(tenant, party.made, make_person(tenant))
    kind = "urn:ietf:params:oauth:token-type:access_token"
    tokens = [one.begin("openid") for one in (party, other)]
    answer = oauth.token(
        party.made,
        grant_type=GrantType.TOKEN_EXCHANGE.value,
        subject_token=tokens[0]["access_token"],
        subject_token_type=kind,
        actor_token=tokens[1]["access_token"],
        actor_token_type=kind,
    ).json()
    claims = verify(oauth, answer["access_token"], audience=None)
    known = [verify(oauth, one["id_token"], audience="web-app")["sub"] for one in tokens]
    assert [claims["sub"], claims["act"]["sub"]] == known


@pytest.mark.requirement("OIDC Core", "8.1", "The same sector, the same id; never another's.")
def test_sectors_share_ids_and_tenants_do_not(tenant: Tenant) -> None:
    def sub(owner: Tenant, client_id: str, host: str) -> str:
        party = make_party(
            owner, client_id, redirect_uris=f"https://{host}/callback", subject=people[owner.slug]
        )
        party.made.client.subject_type = "pairwise"
        changes.save(party.made.client, actor=SYSTEM)
        text = party.begin("openid")["id_token"]
        claims = verify(OAuthClient(owner), text, audience=client_id)
        return str(claims["sub"])

    other = make_tenant("initech")
    people = {owner.slug: make_party(owner, "seed").subject for owner in (tenant, other)}
    first = sub(tenant, "one", "app.example")
    assert first == sub(tenant, "two", "app.example")
    assert first != sub(tenant, "three", "other.example")
    assert first != sub(other, "one", "app.example")
