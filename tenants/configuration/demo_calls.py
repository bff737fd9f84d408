"""Lists what can be tried with the demo, as requests; where they are written down is elsewhere."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from tenants.configuration import demo_issuer, demo_provider, demo_users
from tenants.models import Api, Client

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tenants.configuration.demo import Demo, DemoTenant
    from tenants.records import JSON

JWT_BEARER: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
DEVICE_CODE: Final = "urn:ietf:params:oauth:grant-type:device_code"
ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - a type's name.
CLIENT_CREDENTIALS: Final = {"grant_type": "client_credentials"}
ADD_USER: Final = (
    "mutation { addUserAndAccessToken { user { id } accessToken { accessToken scope } } }"
)
WHO_AM_I: Final = "{ getAuthorisedUser { scope user { id } } }"


@dataclass(frozen=True, slots=True)
class Call:
    """One request; a call in place of a text stands for the token that it answers."""

    url: str
    method: str = "POST"
    user: str = ""
    bearer: Value = ""
    form: Mapping[str, Value] = field(default_factory=dict)
    document: Mapping[str, JSON] | None = None
    answers: str = "access_token"


Value: TypeAlias = str | Call


@dataclass(frozen=True, slots=True)
class Trial:
    """A call with what it shows; `status` is what it is answered with."""

    title: str
    call: Call
    status: int = 200


class Place:
    """A tenant of the demo, whose calls are made by the ids of its clients."""

    def __init__(self, demo: Demo, tenant: DemoTenant) -> None:
        """Find the tenant's secrets among the demo's."""
        self.demo = demo
        self.tenant = tenant
        self.issuer = tenant.issuer
        self.prefix = f"DEMO_{tenant.path.split('/')[-1].upper()}"
        self.first = f"{tenant.client_id}:{tenant.secret}"

    def find(self, name: str) -> str:
        """Answer one of the tenant's secrets."""
        return self.demo.secrets[f"{self.prefix}_{name}"]

    def user(self, client_id: str) -> str:
        """Write the credentials of a client other than the first."""
        return f"{client_id}:{self.find(f'{client_id.upper()}_SECRET')}"

    def has_api(self, slug: str) -> bool:
        """Say whether the tenant has an Api: one that an older release loaded may lack it."""
        return Api.objects.filter(tenant__path=self.tenant.path, slug=slug).exists()

    def has_client(self, client_id: str) -> bool:
        """Say whether the tenant has a client, as above."""
        return Client.objects.filter(tenant__path=self.tenant.path, client_id=client_id).exists()

    def token(self, user: str = "", path: str = "/oauth/token", **form: Value) -> Call:
        """Ask for a token, by client_credentials unless the form says otherwise."""
        return Call(
            self.issuer + path, user=user or self.first, form={**CLIENT_CREDENTIALS, **form}
        )

    def introspect(self, token: Value) -> Call:
        """Ask as the gateway whether a token is good."""
        return Call(
            f"{self.issuer}/oauth/introspect", user=self.user("gateway"), form={"token": token}
        )

    def get(self, path: str, bearer: Value = "") -> Call:
        """Read a document."""
        return Call(self.issuer + path, method="GET", bearer=bearer)

    def send(self, path: str, document: Mapping[str, JSON], *, bearer: Value = "") -> Call:
        """Send a document."""
        return Call(self.issuer + path, bearer=bearer, document=document)


def list_trials(demo: Demo, tenant: DemoTenant) -> list[Trial]:
    """List what can be tried with a tenant; nothing for one that is not known here."""
    write = _TRIALS.get(tenant.path)
    return list(write(Place(demo, tenant))) if write else []


def _show_spaceblocks(place: Place) -> Iterator[Trial]:
    client_id, _, secret = place.first.partition(":")
    who: dict[str, JSON] = {"client_id": client_id, "client_secret": secret, "scope": "foo:bar"}
    names: dict[str, JSON] = {"app_tenant_id": "tenant-1", "app_subject_id": "user-7"}
    plain = place.send("/token-manager/token", who)
    yield Trial("A backend asks by JSON, at the old address, without grant_type", plain)
    impersonated = place.send("/token-manager/token", {**who, **names})
    yield Trial("It asks in the name of its user; the token lives for 15 minutes", impersonated)
    yield Trial("A block asks in whose name the token is", place.introspect(impersonated))
    second = f"{client_id}:{place.find('NEXT_SECRET')}"
    yield Trial("The client's second secret works beside the first", place.token(second))


def _show_thinktecture(place: Place) -> Iterator[Trial]:
    users = place.token(path="/apis/users/oauth/token", scope="read")
    yield Trial("An Api has its own address and a key that it shares (HS256)", users)
    reports = place.token(path="/apis/reports/oauth/token", scope="reports:read")
    yield Trial("Another has a public key (RS256), and tokens for half an hour", reports)
    if place.has_api("archive"):
        archive = place.token(path="/apis/archive/oauth/token", scope="archive:read")
        yield Trial("A third has a key with an X.509 certificate: see x5t#S256", archive)
    yield Trial("The public keys, among them the next one, and the certificate", place.get("/jwks"))
    metadata = place.get("/.well-known/oauth-authorization-server")
    yield Trial("All that a library needs to know of the issuer", metadata)


def _show_ideavate(place: Place) -> Iterator[Trial]:
    first, second = (_sign_for_user(place) for _ in range(2))
    form = {"grant_type": JWT_BEARER, "client_id": "application", "assertion": first}
    sign_in = Call(f"{place.issuer}/oauth/token", form=form)
    yield Trial("Once, within an hour: a user of a trusted application signs in", sign_in)
    as_it_is = place.introspect(second)
    yield Trial("Within an hour: an Api takes the application's own token as it is", as_it_is)
    public, private = place.find("PUBLIC_MASTER_TOKEN"), place.find("PRIVATE_MASTER_TOKEN")
    add = place.send("/graphql", {"query": ADD_USER}, bearer=public)
    yield Trial("The application makes a user with a token, by its public master token", add)
    made = place.send("/users", {"scope": "read:accounts download:documents"}, bearer=private)
    yield Trial("Its server does so by REST, by the private one", made, 201)
    yield Trial("The user asks who they are", place.get("/me", made))
    who = place.send("/graphql", {"query": WHO_AM_I}, bearer=made)
    yield Trial("The same by GraphQL", who)
    yield from _show_exchange(place, made)


def _sign_for_user(place: Place) -> str:
    return demo_issuer.sign_assertion(
        place.demo.issuer_key,
        audience=place.issuer,
        subject="demo-user",
        scope="read:accounts download:documents",
    )


def _show_exchange(place: Place, user_token: Call) -> Iterator[Trial]:
    server = place.user("server")
    form: dict[str, Value] = {
        "grant_type": EXCHANGE,
        "subject_token": user_token,
        "subject_token_type": ACCESS_TOKEN,
        "scope": "read:accounts",
    }
    address = f"{place.issuer}/oauth/token"
    narrow = Call(address, user=server, form=form)
    yield Trial("The server swaps the user's token for a narrower one", narrow)
    actor = place.token(server)
    acting: dict[str, Value] = {"actor_token": actor, "actor_token_type": ACCESS_TOKEN}
    delegated = Call(address, user=server, form={**form, **acting})
    told = place.introspect(delegated)
    yield Trial("It acts for the user, and the token says so: see act", told)


def _show_onewelcome(place: Place) -> Iterator[Trial]:
    opaque = place.token(f"opaque-client:{place.find('OPAQUE_SECRET')}")
    yield Trial("A client with opaque tokens of 64 hexadecimal digits", opaque)
    once = place.token(f"opaque-client:{place.find('OPAQUE_SECRET')}", scope="pay")
    yield Trial("A token for one use, which asking about it uses up", place.introspect(once))
    subject_id = demo_users.find_user(place.tenant.path)
    if subject_id is None:
        return
    master, path = place.find("PRIVATE_MASTER_TOKEN"), f"/users/{subject_id}/tokens"
    issued = place.send(path, {}, bearer=master)
    told = place.introspect(issued)
    yield Trial("What a user in a group may do: see group_policies", told)
    yield Trial("The user's tokens", place.get(path, master))


def _show_aidbox(place: Place) -> Iterator[Trial]:
    client_id, _, secret = place.first.partition(":")
    who = {"client_id": client_id, "client_secret": secret}
    body: dict[str, JSON] = {
        **CLIENT_CREDENTIALS,
        **who,
        "audience": "https://fhir.aidbox.example/",
    }
    first = place.send("/auth/token", body)
    yield Trial("A script asks by JSON, at the old address, for an audience", first)
    refresh = Call(first.url, document=body, answers="refresh_token")
    renewed = place.token(grant_type="refresh_token", refresh_token=refresh)
    yield Trial("It renews the token; the refresh token is replaced, too", renewed)
    ended = Call(f"{place.issuer}/Session", method="DELETE", bearer=first)
    yield Trial("It ends the session that it presents, and both its tokens", ended, 204)
    refused = place.token(place.user("newcomer"))
    yield Trial("A new client has no access until a policy names it: refused", refused, 400)
    for secrecy in ("normal", "secret"):
        question = place.send("/access/v1/evaluation", _ask_to_read(secrecy))
        asked = Call(question.url, user=place.user("gateway"), document=question.document)
        yield Trial(f"The API asks whether a doctor may read a {secrecy} record", asked)
    if place.demo.provider_url and place.has_client("exchange"):
        swap = Call(f"{place.issuer}/oauth/token", user=place.user("exchange"), form=_swap(place))
        yield Trial("Once, within an hour: a hospital's opaque token, which is asked about", swap)


def _swap(place: Place) -> dict[str, Value]:
    key = place.demo.secrets[demo_provider.KEY_NAME]
    return {
        "grant_type": EXCHANGE,
        "subject_token": demo_provider.make_token(key, now=int(time.time())),
        "subject_token_type": ACCESS_TOKEN,
    }


def _ask_to_read(secrecy: str) -> dict[str, JSON]:
    return {
        "subject": {"type": "user", "id": "anna", "properties": {"role": "practitioner"}},
        "action": {"name": "read"},
        "resource": {"type": "Patient", "id": "1", "properties": {"secrecy": secrecy}},
    }


def _show_shop(place: Place) -> Iterator[Trial]:
    metadata = place.get("/.well-known/openid-configuration")
    yield Trial("All that a library for OpenID Connect needs to know", metadata)
    form = {"client_id": "tv", "scope": "openid orders:read"}
    begun = Call(f"{place.issuer}/oauth/device", form=form, answers="device_code")
    yield Trial("A television asks for a code; its owner types it at the address beside it", begun)
    asked: dict[str, Value] = {"grant_type": DEVICE_CODE, "client_id": "tv", "device_code": begun}
    pending = Call(f"{place.issuer}/oauth/token", form=asked)
    yield Trial("It asks for its token, and nobody has typed the code yet: refused", pending, 400)


def _show_platform(place: Place) -> Iterator[Trial]:
    base, _, path = place.issuer.partition("/t/")
    listed = Call(f"{base}/api/v1/tenants/{path}/clients", method="GET", bearer=place.token())
    yield Trial("The platform's own clients, by the management API", listed)


_TRIALS: Final = {
    "demo/seeds/spaceblocks": _show_spaceblocks,
    "demo/seeds/thinktecture": _show_thinktecture,
    "demo/seeds/ideavate": _show_ideavate,
    "demo/seeds/onewelcome": _show_onewelcome,
    "demo/seeds/aidbox": _show_aidbox,
    "demo/people/shop": _show_shop,
    "platform/production/platform": _show_platform,
}


def write_json(document: Mapping[str, JSON]) -> str:
    """Write a document as it is sent."""
    return json.dumps(document)
