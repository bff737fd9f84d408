"""The rows that make their own load: what the database and one core can do at most."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from benchmarks import programs
from benchmarks.bare import row
from benchmarks.load import CONNECTIONS, Measured, run_generator
from tokens.jwk import SigningAlgorithm, generate_key
from tokens.signing import encode_header, prepare_key, sign

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from benchmarks.database import Database

# The same row with the same columns; its id is made of the expiry and random bits as ours are.
INSERT: Final = """
INSERT INTO tokens_accesstoken (id, tenant_id, client_id, signing_key_id, api_ids, format,
  pepper_id, grant_type, claim_profile, scopes, audiences, issued_at, expires_at, cut_off_number,
  configuration_versions, facts)
VALUES ((overlay(lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint + {lifetime_ms}), 12, '0')
    placing '-' from 9 for 0) || '-7' || substr(gen_random_uuid()::text, 16))::uuid,
  '{tenant_id}', '{client_id}', '{client_id}', ARRAY['{client_id}'::uuid], 'jwt', '',
  'client_credentials', 'rfc9068', ARRAY['read'], ARRAY['{audience}'], now(),
  now() + interval '1 hour', 0, ARRAY[1, 1, 1, 1], '{facts}');
"""
CLAIMS: Final = bytes(200)  # As many as a token's claims are.


@dataclass(frozen=True, slots=True)
class PgbenchLoad:
    """pgbench with as many connections, inserting into the platform's own table."""

    database: Database
    facts: Mapping[str, Any]
    folder: Path

    def run(self, seconds: int) -> Measured:
        """Insert for some seconds.

        Raises:
            Absent: there is no pgbench.
        """
        variables = self.database.client_variables()
        command = [programs.find_pgbench(), "--no-vacuum", "--protocol=prepared", "--jobs=2"]
        command += [f"--client={CONNECTIONS}", f"--time={seconds}", f"--file={self._script()}"]
        command += [f"--host={variables['PGHOST']}", f"--username={variables['PGUSER']}"]
        written, used = run_generator([*command, variables["PGDATABASE"]])
        requests = int(_number(r"transactions actually processed: (\d+)", written))
        mean_ms = _number(r"latency average = ([\d.]+) ms", written)
        return Measured(requests, 0, seconds, mean_ms, float("nan"), used)

    def _script(self) -> str:
        path = self.folder / "insert.sql"
        text = INSERT.format(
            lifetime_ms=row.LIFETIME_SECONDS * 1_000,
            tenant_id=self.facts["tenant_id"],
            client_id=self.facts["client_ids"]["jwt"],
            audience=row.AUDIENCE,
            facts=row.FACTS,
        )
        path.write_text(" ".join(text.split()) + "\n")
        return str(path)


@dataclass(frozen=True, slots=True)
class SigningLoad:
    """Signatures in this process, and nothing else."""

    algorithm: SigningAlgorithm

    def run(self, seconds: int) -> Measured:
        """Sign for some seconds of processor time."""
        made = generate_key(self.algorithm)
        key = prepare_key(kid="bench", algorithm=self.algorithm, private=made.private)
        header = encode_header({"alg": self.algorithm.value, "kid": key.kid})
        count, began = 0, time.process_time()
        while time.process_time() - began < seconds:
            sign(key, header, CLAIMS)
            count += 1
        used = time.process_time() - began
        return Measured(count, 0, used, used / count * 1_000, float("nan"), 0.0)


def _number(pattern: str, text: str) -> float:
    found = re.search(pattern, text)
    if found is None:
        raise ValueError(text)
    return float(found[1])
