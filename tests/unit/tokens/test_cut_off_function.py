"""The function that compares a token with cut-offs ends what matches every selector, no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tenants.database_roles import APP, CONSOLE
from tenants.models import CutOff
from tests.factories.tenants import make_tenant
from tokens import database
from tokens.liveness import TOKEN_DEATH

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenants.models import Tenant

pytestmark = pytest.mark.django_db

TEXTS = ("app_tenant_id", "app_subject_id")
SQL = """
SELECT tokens_is_cut_off(%(tenant_id)b::uuid, %(after)b::bigint, %(client_id)b::uuid,
  %(subject_id)b::uuid, %(app_tenant_id)s::text, %(app_subject_id)s::text, %(api_id)b::uuid[],
  %(trust_profile_id)b::uuid, %(master_token_id)b::uuid, %(signing_key_id)b::uuid,
  %(session_id)b::uuid, %(token_id)b::uuid)"""


def values_of(name: str) -> st.SearchStrategy[Any]:
    """Choose among two values of a selector, or its absence."""
    values = ["a", "b"] if name in TEXTS else [UUID(int=1), UUID(int=2)]
    return st.none() | st.sampled_from(values)


def held_of(name: str) -> st.SearchStrategy[Any]:
    if name != "api_id":
        return values_of(name)
    return st.none() | st.lists(st.sampled_from([UUID(int=1), UUID(int=2)]), unique=True)


SELECTORS = st.fixed_dictionaries({}, optional={n: values_of(n) for n in CutOff.SELECTORS})
HELD = st.fixed_dictionaries({name: held_of(name) for name in CutOff.SELECTORS})
# The number, whether it is of the tenant, and what it selects by.
CUT_OFFS = st.lists(st.tuples(st.integers(1, 6), st.booleans(), SELECTORS), max_size=4)


def is_matched(selectors: Mapping[str, Any], held: Mapping[str, Any]) -> bool:
    """Say the same as the function, in other words."""
    return all(
        wanted is None
        or (wanted in (held[name] or ()) if name == "api_id" else wanted == held[name])
        for name, wanted in selectors.items()
    )


@pytest.fixture
def tenants(db: None) -> tuple[Tenant, Tenant]:  # noqa: ARG001 - rows are in it.
    return make_tenant("globex"), make_tenant("initech")


@given(cut_offs=CUT_OFFS, held=HELD, after=st.none() | st.integers(0, 6))
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=200
)
def test_function_says_what_every_selector_says_together(
    tenants: tuple[Tenant, Tenant],
    cut_offs: list[tuple[int, bool, dict[str, Any]]],
    held: dict[str, Any],
    after: int | None,
) -> None:
    own, other = tenants
    with transaction.atomic():
        CutOff.objects.bulk_create(
            CutOff(
                number=number * 10 + place,
                tenant=own if is_own else other,
                purge_after=timezone.now(),
                **selectors,
            )
            for place, (number, is_own, selectors) in enumerate(cut_offs)
        )
        rows = database.execute(
            SQL, {"tenant_id": own.pk, "after": None if after is None else after * 10, **held}
        )
        transaction.set_rollback(True)
    expected = after is not None and any(
        is_own and number * 10 + place > after * 10 and is_matched(selectors, held)
        for place, (number, is_own, selectors) in enumerate(cut_offs)
    )
    assert rows == [(expected,)]


def describe_function() -> tuple[list[str], bool, str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT proargnames, prosecdef, provolatile::text FROM pg_proc"
            " WHERE proname = 'tokens_is_cut_off'"
        )
        (row,) = cursor.fetchall()
    return row[0], row[1], row[2]


def test_function_knows_every_selector_and_is_called_with_each_in_its_place() -> None:
    names = [f"of_{name.removesuffix('_id')}" for name in CutOff.SELECTORS]
    names[names.index("of_api")] = "of_apis"
    assert describe_function()[0] == ["of_tenant", "after", *names]
    called = TOKEN_DEATH.partition("tokens_is_cut_off(")[2].partition("))")[0]
    columns = [text.strip().removeprefix("token.") for text in called.split(",")]
    selectors = ["api_ids" if n == "api_id" else n for n in CutOff.SELECTORS]
    assert columns[-len(selectors) :] == ["id" if n == "token_id" else n for n in selectors]


def test_function_sees_what_its_caller_sees_with_its_callers_rights() -> None:
    _, is_with_its_owners_rights, volatility = describe_function()
    assert not is_with_its_owners_rights
    assert volatility == "s"


def ask_as(role: str, tenant_ids: str, asked: database.Parameters) -> bool:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {role}")
        cursor.execute("SELECT set_config('app.tenant_ids', %s, true)", [tenant_ids])
        answer = bool(database.execute(SQL, asked)[0][0])
        transaction.set_rollback(True)
    return answer


def test_plan_of_the_token_path_shows_the_console_no_cut_off_of_another_tenant(
    tenants: tuple[Tenant, Tenant],
) -> None:
    own, other = tenants
    CutOff.objects.create(number=1, tenant=own, purge_after=timezone.now())
    asked = {"tenant_id": own.pk, "after": 0, **dict.fromkeys(CutOff.SELECTORS)}
    for _ in range(2):
        assert ask_as(APP, "", asked)
        assert ask_as(CONSOLE, f"{{{own.pk}}}", asked)
        assert not ask_as(CONSOLE, f"{{{other.pk}}}", asked)
