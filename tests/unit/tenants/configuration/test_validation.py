"""A mistake names file, line, path and fix, and changes nothing."""

from __future__ import annotations

import pytest

from tests.unit.tenants.configuration.files import FIRST_LINE, PATH, apply, refuse, tenant

pytestmark = pytest.mark.django_db


def at(line: int, path: str, text: str) -> str:
    return f"globex.yaml:{FIRST_LINE + line}: {PATH}{path}: {text}"


CASES = {
    "unknown grant type": (
        """\
        clients:
        - client_id: a
          grant_types: [client_credential]
        """,
        at(
            2,
            ".clients[0].grant_types",
            '"client_credential" is no grant type; did you mean "client_credentials"?',
        ),
    ),
    "unknown key": (
        """\
        clients:
        - client_id: a
          grant_type: [client_credentials]
        """,
        at(2, ".clients[0]", 'unknown key "grant_type"; did you mean "grant_types"?'),
    ),
    "unknown list": (
        "client: []",
        at(0, "", 'unknown key "client"; did you mean "clients"?'),
    ),
    "missing name": ("clients:\n- kind: web", at(1, ".clients[0]", '"client_id" is missing')),
    "text for a number": (
        "access_token_lifetime_seconds: soon",
        at(0, ".access_token_lifetime_seconds", "expected a whole number, found a text"),
    ),
    "number for a text": (
        "name: 7",
        at(0, ".name", "expected a text, found a number (put a text in quotes)"),
    ),
    "yes for true": (
        "is_enabled: yes",
        at(0, ".is_enabled", "expected true or false, found a text"),
    ),
    "mapping for a list": (
        "clients: {client_id: a}",
        at(0, ".clients", "expected a list, found a mapping"),
    ),
    "too long a life": (
        "access_token_lifetime_seconds: 99999999",
        at(
            0,
            ".access_token_lifetime_seconds",
            "99999999 is too large; choose at most 2592000",
        ),
    ),
    "no life": (
        "access_token_lifetime_seconds: 0",
        at(0, ".access_token_lifetime_seconds", "0 is too small; choose at least 1"),
    ),
    "bad slug": (
        "apis: [{slug: Profile, audience: x}]",
        at(
            0,
            ".apis[0].slug",
            '"Profile" is not accepted; write what matches ^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$',
        ),
    ),
    "bad id": (
        "id: 12",
        at(0, ".id", "expected a text, found a number (put a text in quotes)"),
    ),
    "id that is no UUID": (
        "id: twelve",
        at(0, ".id", '"twelve" is not accepted; write a UUID in lower case'),
    ),
    "two sources": (
        "clients: [{client_id: a, secrets: [{label: x, value: aaaaaaaa, value_from_env: A}]}]",
        at(
            0,
            ".clients[0].secrets[0]",
            "give exactly one of value, value_from_env, value_from_file, hash",
        ),
    ),
    "no source": (
        "clients: [{client_id: a, secrets: [{label: x}]}]",
        at(
            0,
            ".clients[0].secrets[0]",
            "give exactly one of value, value_from_env, value_from_file, hash",
        ),
    ),
    "twice in a set": (
        "clients: [{client_id: a, scopes: [x, x]}]",
        at(0, ".clients[0].scopes", "something stands here twice; remove one"),
    ),
    "twice in a list": (
        "clients:\n- client_id: a\n- client_id: a",
        at(2, ".clients[1].client_id", '"a" stands in this list twice; remove one'),
    ),
    "secret twice": (
        (
            "clients: [{client_id: a, secrets: [{label: x, value: aaaaaaaa},"
            " {label: x, value: bbbbbbbb}]}]"
        ),
        at(
            0,
            ".clients[0].secrets[1].label",
            '"x" stands in this list twice; remove one',
        ),
    ),
    "unknown scope": (
        """\
        apis: [{slug: a, audience: a, scopes: [{name: read}]}]
        clients:
        - client_id: c
          scopes: [reads]
        """,
        at(3, ".clients[0].scopes", '"reads" is no scope of this tenant; did you mean "read"?'),
    ),
    "unknown client": (
        "access_policies: [{slug: p, clients: [nobody]}]",
        at(0, ".access_policies[0].clients", '"nobody" is no client of this tenant'),
    ),
    "unknown operator": (
        "operators: [{username: anna, role: owner}]",
        at(
            0,
            ".operators[0].username",
            'there is no operator "anna"; create the account in the admin first',
        ),
    ),
    "what a service refuses": (
        "clients: [{client_id: c, token_endpoint_auth_method: private_key_jwt}]",
        at(0, ".clients[0].jwks", "private_key_jwt needs exactly one of jwks and jwks_uri."),
    ),
    "default scope that the client has not": (
        (
            "apis: [{slug: a, audience: a, scopes: [{name: read}]}]\n"
            "clients: [{client_id: c, default_scopes: [read]}]"
        ),
        at(
            1,
            ".clients[0].default_scopes",
            "Every default scope must be among the client's scopes.",
        ),
    ),
    "no audience": (
        "apis: [{slug: a}]",
        at(0, ".apis[0].audience", "This field cannot be blank."),
    ),
    "moment without zone": (
        (
            "clients: [{client_id: c, secrets: "
            "[{label: x, value: aaaaaaaa, expires_at: 2027-01-31T12:00:00}]}]"
        ),
        at(
            0,
            ".clients[0].secrets[0].expires_at",
            '"2027-01-31T12:00:00" is not accepted; '
            "write a moment with its zone, such as 2027-01-31T12:00:00Z",
        ),
    ),
    "moment that is none": (
        (
            "allow_typed_secrets: true\n"
            "clients: [{client_id: c, secrets: "
            '[{label: x, value: aaaaaaaa, expires_at: "2027-02-31T12:00:00Z"}]}]'
        ),
        at(
            1,
            ".clients[0].secrets[0].expires_at",
            "write a moment with its zone, such as 2027-01-31T12:00:00Z",
        ),
    ),
    "variable that is not set": (
        "clients: [{client_id: c, secrets: [{label: x, value_from_env: NOWHERE}]}]",
        at(
            0,
            ".clients[0].secrets[0].value_from_env",
            "the environment variable NOWHERE is not set",
        ),
    ),
    "private key among public ones": (
        "clients: [{client_id: c, jwks: [{kty: EC, d: AA}]}]",
        at(
            0,
            ".clients[0].jwks",
            "This contains a private or symmetric key; store public keys only.",
        ),
    ),
    "reserved claim": (
        "claim_rules: [{slug: r, claim: sub, value: me}]",
        at(
            0,
            ".claim_rules[0].claim",
            "This claim is reserved; use a name of your own, such as a URL.",
        ),
    ),
    "unknown name in a template": (
        "claim_rules: [{slug: r, claim: c, source: template, value: '${tenant}'}]",
        at(0, ".claim_rules[0].value", "Claim rules know no tenant. Did you mean tenant_slug?"),
    ),
    "condition that can't hold": (
        "claim_rules: [{slug: r, claim: c, value: 1, condition: {client_id: 7}}]",
        at(
            0,
            ".claim_rules[0].condition.client_id",
            "Here stands a text, which is never equal to a number.",
        ),
    ),
    "unknown claim profile": (
        "claim_profile: none-such",
        at(
            0,
            ".claim_profile",
            "No such claim profile; use aidbox, onewelcome, rfc9068, spaceblocks, thinktecture, "
            "or one of the tenant's own.",
        ),
    ),
}


@pytest.mark.parametrize(("text", "mistake"), CASES.values(), ids=CASES)
def test_a_mistake_names_its_place_and_the_fix(text: str, mistake: str) -> None:
    assert refuse(tenant(text)) == [mistake]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("project: []", "globex.yaml:1"),
        ("[]", "globex.yaml:1"),
        ("text", "globex.yaml:1"),
        ("projects: [{slug: a, environments: 7}]", "globex.yaml:1"),
        ("projects: [null]", "globex.yaml:1"),
        ("platform: {version: 7}", "globex.yaml:1"),
    ],
)
def test_a_wrong_document_is_refused(text: str, place: str) -> None:
    (mistake,) = refuse(text)
    assert mistake.startswith(place)


def test_all_mistakes_of_a_kind_are_reported_at_once() -> None:
    mistakes = refuse(
        tenant(
            """\
            apis: [{slug: a, audience: a, scopes: [{name: read}]}]
            clients:
            - {client_id: b, scopes: [one]}
            - {client_id: c, scopes: [two]}
            access_policies: [{slug: p, clients: [b, missing]}]
            """
        )
    )
    assert [mistake.split(":")[1] for mistake in mistakes] == [
        str(FIRST_LINE + line) for line in (2, 3, 4)
    ]
    # That the policy names b is no mistake of its own: b only failed for another reason.
    assert '"missing" is no client' in mistakes[2]


@pytest.mark.parametrize(
    "text",
    [
        "clients: [{client_id: c, secrets: [hunter2hunter2]}]",
        "clients: [{client_id: c, secrets: {value: hunter2hunter2}}]",
        "clients: [{client_id: c, secrets: [{label: x, value: [hunter2hunter2]}]}]",
        "clients: [{client_id: c, secrets: [{label: x, value_from_env: 'hunter2 hunter2'}]}]",
        "clients: [{client_id: c, secrets: [{label: x, hash: hunter2hunter2}]}]",
        f"clients: [{{client_id: c, secrets: [{{label: x, value: {'hunter2' * 100}}}]}}]",
        "clients: [{client_id: c, secrets: [{label: x, value: aaaaaaaa, hunter2: 1}]}]",
        "clients: [{client_id: c, secrets: [{label: x, value: aaaaaaaa, hunter2hunter2}]}]",
        "clients: [{client_id: c, secrets: [{label: x, value: aaaa, hunter2, hunter2}]}]",
        "trust_profiles: [{slug: t, issuer: i, algorithms: [HS256], shared_secret: hunter2}]",
        (
            "trust_profiles: [{slug: t, issuer: i, algorithms: [HS256], "
            "shared_secret: {value: hunter2}}]"
        ),
        (
            "master_tokens: [{label: t, client: c, kind: public, value: hunter2, "
            'expires_at: "2030-01-01T00:00:00Z"}]'
        ),
    ],
)
def test_no_mistake_repeats_what_may_be_a_secret(text: str) -> None:
    assert "hunter2" not in "\n".join(refuse(tenant(text)))


def test_a_tenant_or_setting_that_is_stated_twice_is_refused() -> None:
    assert refuse(f"{tenant()}---\n{tenant()}") == [
        f"globex.yaml:13: {PATH}.slug: globex.yaml:6 states this already; state it once"
    ]
    twice = "projects: [{slug: acme, name: A}]\n---\nprojects: [{slug: acme, name: A}]\n"
    assert refuse(twice) == [
        "globex.yaml:3: projects[0].name: globex.yaml:1 states this already; state it once"
    ]


def test_an_empty_file_says_nothing() -> None:
    assert apply("") == []
    assert apply("# nothing\n---\n---\n") == []
    assert apply("{}") == []
