"""The parts of the schema that no model's field describes: secrets, keys and JSON values."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from tenants.records import JSON

Schema: TypeAlias = "dict[str, JSON]"
UUID_PATTERN = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
KEY_ID: Schema = {"type": "string", "minLength": 1, "maxLength": 32}
CIPHERTEXT: Schema = {"type": "string", "pattern": "^[A-Za-z0-9_-]+$"}
JWKS: Schema = {
    "type": ["array", "null"],
    "items": {
        "type": "object",
        "properties": {"kty": {"type": "string"}, "pem": {"type": "string"}},
    },
    "description": "Public keys: JWKs (RFC 7517 section 4), or objects with a PEM text in pem, and "
    "kid where the issuer names it.",
}
NAMES: Schema = {
    "type": ["array", "null"],
    "items": {"type": "string", "minLength": 1},
    "minItems": 1,
    "uniqueItems": True,
}
# JSON values by the name of their attribute.
JSON_VALUES: dict[str, Schema] = {
    "attributes": {"type": ["array", "null"], "items": {"type": "object"}},
    "condition": {"type": ["object", "null"]},
    "jwks": JWKS,
    "limit_audiences": NAMES,
    "limit_scopes": NAMES,
    "permissions": {
        "type": ["array", "null"],
        "items": {"type": "string", "minLength": 1, "maxLength": 200},
        "maxItems": 1_000,
    },
    "public_jwk": {"type": ["object", "null"], "description": "Absent for a symmetric key."},
    "required_claims": {"type": ["object", "null"]},
    "resources": {"type": ["array", "null"], "items": {"type": "object"}},
    "roles": {"type": ["array", "null"], "items": {"type": "string", "maxLength": 200}},
    "rule": {},
    "scope_mapping": {
        "type": ["object", "null"],
        "additionalProperties": {
            "type": "array",
            "items": {"type": "string", "minLength": 1},
            "uniqueItems": True,
        },
    },
    "translations": {
        "type": ["object", "null"],
        "propertyNames": {"pattern": "^[a-z]{2,3}(-[A-Z]{2})?$"},
        "additionalProperties": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "title": {"type": "string", "maxLength": 200},
                "description": {"type": "string", "maxLength": 2_000},
            },
        },
        "maxProperties": 20,
    },
    "value": {"description": "The value, as JSON."},
    "workload_claims": {"type": ["object", "null"]},
}
SOURCES: dict[str, Schema] = {
    "value": {
        "type": "string",
        "minLength": 1,
        "maxLength": 512,
        "description": "The secret itself; better name where it stands.",
    },
    "value_from_env": {
        "type": "string",
        "pattern": "^[A-Za-z_][A-Za-z0-9_]*$",
        "description": "The environment variable that holds the secret.",
    },
    "value_from_file": {
        "type": "string",
        "minLength": 1,
        "description": "The file that holds the secret, as seen from the configuration file.",
    },
}
HASH_SOURCE: dict[str, Schema] = {
    "hash": {
        "type": "string",
        "pattern": r"^([A-Za-z0-9_-]{43}|\$argon2id\$[!-~]{1,240})$",
        "description": "An exported hash: of a machine-made secret with its pepper_id and id.",
    },
    "pepper_id": {**KEY_ID, "description": "The pepper of the exported hash."},
    "hint": {
        "type": "string",
        "maxLength": 16,
        "description": "The last characters of the secret behind an exported hash.",
    },
}
SHARED_SECRET: Schema = {
    "type": ["object", "null"],
    "additionalProperties": False,
    "properties": {
        **SOURCES,
        "ciphertext": {**CIPHERTEXT, "description": "An exported secret; needs the profile's id."},
        "kek_id": {**KEY_ID, "description": "The key encryption key of the exported secret."},
    },
    "oneOf": [{"required": [name]} for name in (*SOURCES, "ciphertext")],
    "dependentRequired": {"ciphertext": ["kek_id"], "kek_id": ["ciphertext"]},
}
INTROSPECTION_SECRET: Schema = {
    **SHARED_SECRET,
    "description": "The secret by which this platform asks the introspection endpoint.",
}
SIGN_IN_SECRET: Schema = {
    **SHARED_SECRET,
    "description": "The secret by which this platform signs people in with the issuer.",
}
EXTRAS: dict[str, Schema] = {
    **SOURCES,
    **HASH_SOURCE,
    "shared_secret": SHARED_SECRET,
    "introspection_secret": INTROSPECTION_SECRET,
    "sign_in_secret": SIGN_IN_SECRET,
}
_ONE_SOURCE: Schema = {
    "oneOf": [{"required": [name]} for name in (*SOURCES, "hash")],
    "dependentRequired": {"pepper_id": ["hash", "id"], "hint": ["hash"]},
}
SHAPES: dict[str, Schema] = dict.fromkeys(
    ("secrets", "master_tokens", "initial_access_tokens"), _ONE_SOURCE
)
# What stands under these names is never repeated in a message.
SECRET_NAMES = frozenset(
    (
        *(*SOURCES, "hash", "ciphertext", "private_ciphertext"),
        *("shared_secret", "introspection_secret", "sign_in_secret"),
    )
)
