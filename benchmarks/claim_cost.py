"""`python -m benchmarks.claim_cost`: what claim rules and the hook cost the plan of a token.

Pure functions in one process, by its processor time: no database, no signature.
"""

from __future__ import annotations

import statistics
import sys
import time
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from tenants.policy import decide
from tenants.records import GrantType
from tests.factories import records
from tokens import claim_hook
from tokens.plan import plan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tenants.records import JSON, ClaimRuleRecord, TokenRecord

ROUNDS: Final = 30
PLANS: Final = 1_000
ENTROPY: Final = bytes(10)
NOW: Final = 1_700_000_000.0
RULES: Final[Sequence[ClaimRuleRecord]] = (
    records.make_claim_rule("plan", {"tier": 1}),
    records.make_claim_rule("route", "${tenant_slug}/${client_id}", source="template"),
    records.make_claim_rule("granted", "scopes", source="record"),
    records.make_claim_rule("department", "department", source="subject_attribute"),
    records.make_claim_rule(
        "tier", "tier", source="foreign_claim", condition={"foreign": {"tier": {"$present": True}}}
    ),
)


class _Hook:
    def add_claims(
        self, record: TokenRecord, claims: Mapping[str, JSON]
    ) -> Mapping[str, JSON] | claim_hook.ClaimsDenial:
        del claims
        return {"https://claims.example/region": record.tenant_slug}


def main() -> int:
    """Measure each step in turns, and print microseconds of processor time per plan."""
    steps = {
        "no rule, no hook": (0, None),
        "one constant": (1, None),
        "five rules": (len(RULES), None),
        "five rules and a hook": (len(RULES), _Hook()),
    }
    spent: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(ROUNDS):
        for name, (count, hook) in steps.items():
            with claim_hook.installed(hook) if hook else nullcontext():
                spent[name].append(_measure(count))
    for name, figures in spent.items():
        sys.stdout.write(f"{name:24} {statistics.median(figures):6.1f} us\n")
    return 0


def _measure(count: int) -> float:
    """Answer the microseconds of one plan with so many rules."""
    api = records.make_api()
    scope = records.make_scope(api)
    client = records.make_client(scope, grant_types=frozenset({GrantType.JWT_BEARER}))
    tenant = replace(records.make_tenant([api], [scope]), claim_rules=tuple(RULES[:count]))
    request = records.make_request(
        client,
        "read",
        grant_type=GrantType.JWT_BEARER,
        subject=records.make_subject(attributes='{"department": "sales"}'),
        claims={"tier": "gold"},
    )
    decision = decide(request, tenant)
    begun = time.process_time()
    for _ in range(PLANS):
        plan(request, decision, tenant, now=NOW, entropy=ENTROPY)
    return (time.process_time() - begun) / PLANS * 1e6


if __name__ == "__main__":
    sys.exit(main())
