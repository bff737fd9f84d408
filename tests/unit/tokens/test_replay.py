"""An assertion works once for its issuer and tenant."""

from __future__ import annotations

import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from tokens.models import ReplayedAssertion
from tokens.replay import remember_assertion

pytestmark = pytest.mark.django_db

TENANT, ISSUER = uuid.uuid4(), uuid.uuid4()


def test_assertion_is_remembered_once_per_tenant_and_issuer() -> None:
    end = time.time() + 60
    assert remember_assertion(TENANT, ISSUER, b"jti-1", end) is True
    assert remember_assertion(TENANT, ISSUER, b"jti-1", end) is False
    assert remember_assertion(TENANT, ISSUER, b"jti-2", end) is True
    assert remember_assertion(TENANT, uuid.uuid4(), b"jti-1", end) is True
    assert remember_assertion(uuid.uuid4(), ISSUER, b"jti-1", end) is True


def test_identifier_of_any_length_is_kept_as_a_digest() -> None:
    remember_assertion(TENANT, ISSUER, b"x" * 16_000, time.time() + 60)
    assert len(bytes(ReplayedAssertion.objects.get().assertion_hash)) == 32


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_one_of_many_concurrent_uses_wins() -> None:
    def remember(_: int) -> bool:
        try:
            return remember_assertion(TENANT, ISSUER, b"jti", time.time() + 60)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(remember, range(8))) == 1
