"""What attackers make of JSON Web Tokens: one table for every place that takes one.

`FORGERIES` needs a good token and what is public; `SIGNED` is signed by the right key, whose owner
is careless or hostile. Source: RFC 8725 sections 2 and 3, RFC 7515 section 10.
"""

from __future__ import annotations

import base64
import hmac
import json
import string
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import jwt
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.rfc.signers import Signer, make_signer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# Headers and claims may be any JSON.
# ruff: noqa: ANN401

EVIL: Final = make_signer(kid="evil")
EVIL_RSA: Final = make_signer("RS256", kid="evil")
FAR: Final = 4_000_000_000
PAST: Final = 1_000_000_000
LIMIT: Final = 16_384
# Source: RFC 4648 section 5.
ALPHABET: Final = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
# Source: SEC 2 section 2.4.2: r and s are below it.
P256_ORDER: Final = bytes.fromhex(
    "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"
)


@dataclass(frozen=True, slots=True)
class Known:
    """What an attacker has: a good token, the key that verifies it, a token of another tenant."""

    text: str
    jwk: Mapping[str, Any]
    neighbour: str

    @property
    def header(self) -> dict[str, Any]:
        """The JOSE header of the good token."""
        return jwt.get_unverified_header(self.text)

    @property
    def claims(self) -> dict[str, Any]:
        """The claims of the good token."""
        return dict(jwt.decode(self.text, options={"verify_signature": False}))

    def publish(self, form: str) -> bytes:
        """Write the public key in a form that might be taken for a secret."""
        if form == "JWK":
            return json.dumps(self.jwk).encode()
        key = jwt.PyJWK(dict(self.jwk)).key
        encoding = Encoding.PEM if form == "PEM" else Encoding.DER
        return bytes(key.public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo))


def encode(raw: object) -> str:
    """Encode bytes, or a document as JSON, as a segment."""
    octets = raw if isinstance(raw, bytes) else json.dumps(raw).encode()
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def relabel(known: Known, **members: Any) -> str:
    """Change the header and keep the rest."""
    _, payload, signature = known.text.split(".")
    return f"{encode(known.header | members)}.{payload}.{signature}"


def rewrite(known: Known, **members: Any) -> str:
    """Change the claims and keep the rest."""
    head, _, signature = known.text.split(".")
    return f"{head}.{encode(known.claims | members)}.{signature}"


def unsign(known: Known, algorithm: object) -> str:
    """Drop the signature and say that there is none."""
    payload = known.text.split(".")[1]
    return f"{encode(known.header | {'alg': algorithm})}.{payload}."


def confuse(known: Known, form: str, algorithm: str = "HS256") -> str:
    """Take the public key for a shared secret."""
    payload = known.text.split(".")[1]
    head = f"{encode(known.header | {'alg': algorithm})}.{payload}"
    digest = f"sha{algorithm[2:]}"
    return f"{head}.{encode(hmac.digest(known.publish(form), head.encode(), digest))}"


def impersonate(known: Known, *, signer: Signer = EVIL, **members: Any) -> str:
    """Sign the good claims by another key, whose header says what the attacker likes."""
    usual = {name: value for name, value in known.header.items() if name != "alg"}
    return signer.sign(known.claims, **(usual | members))


def claim(known: Known, **members: Any) -> str:
    """Sign other claims by another key that bears the name of the right one."""
    usual = {name: value for name, value in known.header.items() if name != "alg"}
    return EVIL.sign(known.claims | members, **usual)


def splice(
    known: Known,
    header: bytes | None = None,
    payload: bytes | None = None,
    signature: bytes | None = None,
) -> str:
    """Put other bytes in place of a segment."""
    parts = zip((header, payload, signature), known.text.split("."), strict=True)
    return ".".join(segment if raw is None else encode(raw) for raw, segment in parts)


def repeat(known: Known, members: bytes) -> str:
    """Put members in front of the claims, which have them already."""
    return splice(known, payload=b"{" + members + b"," + json.dumps(known.claims).encode()[1:])


FORGERIES: Final[dict[str, Callable[[Known], str]]] = {
    "alg none": lambda known: unsign(known, "none"),
    "alg None": lambda known: unsign(known, "None"),
    "alg NONE with the signature": lambda known: relabel(known, alg="NONE"),
    "alg empty": lambda known: unsign(known, ""),
    "alg null": lambda known: unsign(known, None),
    "alg a list": lambda known: unsign(known, ["none"]),
    "alg a number": lambda known: unsign(known, 0),
    "alg in another case": lambda known: relabel(known, alg=known.header["alg"].lower()),
    "alg of another family": lambda known: relabel(known, alg="PS512"),
    "no signature": lambda known: splice(known, signature=b""),
    "HMAC by the public PEM": lambda known: confuse(known, "PEM"),
    "HMAC by the public DER": lambda known: confuse(known, "DER"),
    "HMAC by the public JWK": lambda known: confuse(known, "JWK"),
    "HMAC 512 by the public PEM": lambda known: confuse(known, "PEM", "HS512"),
    "another key": impersonate,
    "another key, RSA": lambda known: impersonate(known, signer=EVIL_RSA),
    "another key by its kid": lambda known: impersonate(known, kid="evil"),
    "jwk in the header": lambda known: impersonate(known, jwk=EVIL.jwk),
    "jwk in the header by its kid": lambda known: impersonate(known, kid="evil", jwk=EVIL.jwk),
    "jku": lambda known: impersonate(known, jku="https://evil.example/jwks"),
    "jku on this machine": lambda known: impersonate(known, jku="http://127.0.0.1:9/jwks"),
    "jku of a file": lambda known: impersonate(known, jku="file:///dev/zero"),
    "x5u": lambda known: impersonate(known, x5u="https://evil.example/chain.pem"),
    "x5c": lambda known: impersonate(known, x5c=["AAAA"]),
    "x5t": lambda known: impersonate(known, x5t="A" * 27),
    "kid a path": lambda known: impersonate(known, kid="../../../../dev/null"),
    "kid SQL": lambda known: impersonate(known, kid="x' UNION SELECT 'AAAA' --"),
    "kid a command": lambda known: impersonate(known, kid="|/usr/bin/id"),
    "kid empty": lambda known: relabel(known, kid=""),
    "kid NUL": lambda known: relabel(known, kid="a\x00b"),
    "kid a surrogate": lambda known: relabel(known, kid="\ud800"),
    "kid a list": lambda known: relabel(known, kid=["first"]),
    "kid huge": lambda known: relabel(known, kid="k" * 10_000),
    "crit": lambda known: relabel(known, crit=["exp"], exp=FAR),
    "b64": lambda known: relabel(known, b64=False, crit=["b64"]),
    "typ": lambda known: relabel(known, typ="logout+jwt"),
    "typ a list": lambda known: relabel(known, typ=["JWT"]),
    "compressed": lambda known: relabel(known, zip="DEF"),
    "alg twice": lambda known: splice(known, header=b'{"alg":"none","alg":"ES256"}'),
    "sub twice": lambda known: repeat(known, b'"sub":"root"'),
    "jti twice": lambda known: repeat(known, b'"jti":"x"'),
    "another subject": lambda known: rewrite(known, sub="root"),
    "more scope": lambda known: rewrite(known, scope="read write admin"),
    "longer life": lambda known: rewrite(known, exp=FAR),
    "another key, expired": lambda known: claim(known, exp=PAST, iat=PAST - 60),
    "another key, in the future": lambda known: claim(known, nbf=FAR, iat=FAR, exp=FAR + 60),
    "another key, another issuer": lambda known: claim(known, iss="https://evil.example"),
    "huge claims": lambda known: claim(known, x="y" * 2 * LIMIT),
    "huge signature": lambda known: splice(known, signature=bytes(2 * LIMIT)),
    "nested claims": lambda known: claim(known, x=json.loads('{"a":' * 500 + "1" + "}" * 500)),
    "nested arrays": lambda known: splice(known, payload=b"[" * 9_000),
    "nested header": lambda known: splice(known, header=b'{"a":' * 2_000),
    "a token in a token": lambda known: EVIL.sign({"jwt": known.text}, cty="JWT"),
    "infinite exp": lambda known: splice(known, payload=b'{"exp":Infinity}'),
    "payload an array": lambda known: splice(known, payload=json.dumps([known.claims]).encode()),
    "payload empty": lambda known: splice(known, payload=b""),
    "payload no UTF-8": lambda known: splice(known, payload=b"\xff\xfe"),
    "header empty": lambda known: splice(known, header=b""),
    "signature of zeros": lambda known: splice(known, signature=bytes(64)),
    "signature of ones": lambda known: splice(known, signature=b"\xff" * 64),
    "signature of the order": lambda known: splice(known, signature=P256_ORDER * 2),
    "two segments": lambda known: known.text.rpartition(".")[0],
    "four segments": lambda known: f"{known.text}.AAAA",
    "five segments, as encrypted": lambda known: f"{known.text}.AAAA.AAAA",
    "dots alone": lambda _: "..",
    "padding": lambda known: f"{known.text}=",
    "the other base64": lambda known: f"{known.text[:-1]}+",
    "left-over bits": lambda known: known.text[:-1] + ALPHABET[ALPHABET.index(known.text[-1]) ^ 1],
    "of another tenant": lambda known: known.neighbour,
    "of another tenant, our header": lambda known: (
        f"{known.text.partition('.')[0]}.{known.neighbour.partition('.')[2]}"
    ),
    "of another tenant, our signature": lambda known: (
        f"{known.neighbour.rpartition('.')[0]}.{known.text.rpartition('.')[2]}"
    ),
}


def sign_raw(signer: Signer, header: bytes, payload: bytes) -> str:
    """Sign bytes that no library would write."""
    head = f"{encode(header)}.{encode(payload)}"
    algorithm = jwt.PyJWS().get_algorithm_by_name(signer.algorithm)
    return f"{head}.{encode(algorithm.sign(head.encode(), signer.private))}"


@dataclass(frozen=True, slots=True)
class Holder:
    """Whoever holds a key that is trusted, and the claims with which they are accepted."""

    signer: Signer
    claims: Mapping[str, Any]

    def change(self, **members: Any) -> str:
        """Sign with other claims; None leaves one out."""
        return self.signer.sign(dict(self.claims) | members)

    def head(self, **members: Any) -> str:
        """Sign with other headers."""
        return self.signer.sign(dict(self.claims), **members)

    def write(self, *, header: bytes = b"", payload: bytes = b"") -> str:
        """Sign bytes."""
        usual = json.dumps({"alg": self.signer.algorithm, "kid": self.signer.kid}).encode()
        return sign_raw(self.signer, header or usual, payload or json.dumps(self.claims).encode())

    def insert(self, members: bytes) -> str:
        """Sign the claims with further members in front of them, repeated or not."""
        return self.write(payload=b"{" + members + b"," + json.dumps(self.claims).encode()[1:])


SIGNED: Final[dict[str, Callable[[Holder], str]]] = {
    "crit": lambda holder: holder.head(crit=["exp"], exp=FAR),
    "b64": lambda holder: holder.head(b64=False, crit=["b64"]),
    "b64 true": lambda holder: holder.write(header=b'{"alg":"ES256","kid":"first","b64":true}'),
    "alg twice": lambda holder: holder.write(header=b'{"alg":"none","alg":"ES256","kid":"first"}'),
    "kid twice": lambda holder: holder.write(header=b'{"alg":"ES256","kid":"evil","kid":"first"}'),
    "alg left out": lambda holder: holder.write(header=b'{"kid":"first"}'),
    "kid of nobody": lambda holder: holder.head(kid="nobody"),
    "kid a path": lambda holder: holder.head(kid="../first"),
    "typ of an access token": lambda holder: holder.head(typ="at+jwt"),
    "typ of a refresh token": lambda holder: holder.head(typ="rt+jwt"),
    "typ of a logout token": lambda holder: holder.head(typ="logout+jwt"),
    "typ of a proof of possession": lambda holder: holder.head(typ="dpop+jwt"),
    "typ of an introspection answer": lambda holder: holder.head(typ="token-introspection+jwt"),
    "typ of a security event": lambda holder: holder.head(typ="application/secevent+jwt"),
    "claim typ of a refresh token": lambda holder: holder.change(typ="Refresh"),
    "iss twice": lambda holder: holder.insert(b'"iss":"https://evil.example"'),
    "sub twice": lambda holder: holder.insert(b'"sub":"root"'),
    "aud twice": lambda holder: holder.insert(b'"aud":"https://evil.example"'),
    "exp twice": lambda holder: holder.insert(b'"exp":4000000000'),
    "an inner member twice": lambda holder: holder.insert(b'"x":{"a":1,"a":2}'),
    "nested claims": lambda holder: holder.insert(b'"x":' + b"[" * 200 + b"]" * 200),
    "nested beyond all bounds": lambda holder: holder.write(payload=b'{"a":' * 2_000),
    "huge": lambda holder: holder.change(x="y" * LIMIT),
    "expired": lambda holder: holder.change(exp=PAST, iat=PAST - 60),
    "expires never": lambda holder: holder.change(exp=None),
    "exp a text": lambda holder: holder.change(exp="4000000000"),
    "exp true": lambda holder: holder.change(exp=True),
    "exp null": lambda holder: holder.insert(b'"exp":null'),
    "exp infinite": lambda holder: holder.write(payload=b'{"exp":Infinity}'),
    "exp beyond floats": lambda holder: holder.write(payload=b'{"exp":1e999}'),
    "exp negative": lambda holder: holder.change(exp=-1),
    "not valid yet": lambda holder: holder.change(nbf=FAR),
    "nbf a list": lambda holder: holder.change(nbf=[0]),
    "issued in the future": lambda holder: holder.change(iat=FAR),
    "iss of somebody else": lambda holder: holder.change(iss="https://evil.example"),
    "iss left out": lambda holder: holder.change(iss=None),
    "iss a list": lambda holder: holder.change(iss=[holder.claims["iss"]]),
    "iss with a slash": lambda holder: holder.change(iss=f"{holder.claims['iss']}/"),
    "aud of somebody else": lambda holder: holder.change(aud="https://evil.example"),
    "aud left out": lambda holder: holder.change(aud=None),
    "aud empty": lambda holder: holder.change(aud=[]),
    "aud an object": lambda holder: holder.change(aud={"a": holder.claims["aud"]}),
    "aud a prefix": lambda holder: holder.change(aud=f"{holder.claims['aud']}.evil.example"),
    "aud many": lambda holder: holder.change(
        aud=[holder.claims["aud"], *(f"https://{n}.example" for n in range(50))]
    ),
    "sub left out": lambda holder: holder.change(sub=None),
    "sub empty": lambda holder: holder.change(sub=""),
    "sub a number": lambda holder: holder.change(sub=0),
    "sub an object": lambda holder: holder.change(sub={"$ne": ""}),
    "sub with NUL": lambda holder: holder.change(sub="a\x00"),
    "sub a surrogate": lambda holder: holder.change(sub="\ud800"),
    "sub huge": lambda holder: holder.change(sub="s" * 5_000),
    "jti a list": lambda holder: holder.change(jti=["x"]),
    "jti huge": lambda holder: holder.change(jti="j" * 5_000),
    "claims an array": lambda holder: holder.write(payload=b"[]"),
    "claims null": lambda holder: holder.write(payload=b"null"),
    "claims no UTF-8": lambda holder: holder.write(payload=b'{"iss":"\xff"}'),
    "claims in UTF-16": lambda holder: holder.write(
        payload=json.dumps(dict(holder.claims)).encode("utf-16")
    ),
}
