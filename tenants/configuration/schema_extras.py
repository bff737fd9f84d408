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
    "items": {"type": "object", "required": ["kty"], "properties": {"kty": {"type": "string"}}},
    "description": "Public keys. Source: RFC 7517 section 4.",
}
NAMES: Schema = {
    "type": ["array", "null"],
    "items": {"type": "string", "minLength": 1},
    "minItems": 1,
    "uniqueItems": True,
}
# JSON values by the name of their attribute.
JSON_VALUES: dict[str, Schema] = {
    "jwks": JWKS,
    "limit_audiences": NAMES,
    "limit_scopes": NAMES,
    "permissions": {"type": ["array", "null"], "items": {"type": "string", "maxLength": 200}},
    "public_jwk": {"type": ["object", "null"], "description": "Absent for a symmetric key."},
    "rule": {},
    "value": {"description": "The value, as JSON."},
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
EXTRAS: dict[str, Schema] = {**SOURCES, **HASH_SOURCE, "shared_secret": SHARED_SECRET}
_ONE_SOURCE: Schema = {
    "oneOf": [{"required": [name]} for name in (*SOURCES, "hash")],
    "dependentRequired": {"pepper_id": ["hash", "id"], "hint": ["hash"]},
}
SHAPES: dict[str, Schema] = {"secrets": _ONE_SOURCE, "master_tokens": _ONE_SOURCE}
# What stands under these names is never repeated in a message.
SECRET_NAMES = frozenset((*SOURCES, "hash", "ciphertext", "private_ciphertext", "shared_secret"))
