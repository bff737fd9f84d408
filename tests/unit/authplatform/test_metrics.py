import os
import subprocess
import sys
import uuid
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import DjangoAssertNumQueries, Settings

from authplatform import metrics
from authplatform.state_metrics import StateCollector
from tests.factories.tenants import make_tenant
from tokens import purge
from tokens.metrics import count_refusal
from tokens.models import LogoutDelivery, ReplayedAssertion

pytestmark = pytest.mark.django_db


def values(name: str) -> dict[tuple[str, ...], float]:
    """Read one metric: the values of its labels, and the number."""
    return {
        tuple(sample.labels.values()): sample.value
        for family in text_string_to_metric_families(metrics.write_exposition().decode())
        for sample in family.samples
        if sample.name == f"authplatform_{name}"
    }


def test_scrape_tells_the_state_of_the_database() -> None:
    assert values("database_up") == {(): 1.0}
    assert values("database_connections")[("active",)] >= 1
    assert values("database_connections_maximum")[()] >= 10
    assert values("partition_horizon_seconds")[()] > timedelta(days=1).total_seconds()


def test_no_label_has_values_of_a_request(client: Client) -> None:
    names = ("unbounded-tenant", "unbounded-path", "unbounded-client")
    path, unknown, client_id = names
    client.post(f"/t/acme/production/{path}/oauth/token", {"client_id": client_id})
    tenant = make_tenant("unbounded-made")
    client.post(f"/t/{tenant.path}/oauth/token", {"grant_type": client_id, "client_id": client_id})
    client.generic(unknown.upper(), f"/{unknown}")
    assert "unbounded" not in metrics.write_exposition().decode().lower()


def test_scrape_counts_keys_by_state() -> None:
    before = values("signing_keys")
    make_tenant()
    assert sum(values("signing_keys").values()) >= sum(before.values())
    assert values("signing_key_oldest_seconds")[()] >= 0


def test_overdue_rows_are_told_by_kind() -> None:
    tenant = make_tenant()
    now = timezone.now()
    assert set(values("purge_overdue_seconds").values()) == {0.0}
    ReplayedAssertion.objects.create(
        tenant=tenant,
        issuer_id=tenant.pk,
        assertion_hash=b"1" * 32,
        expires_at=now - timedelta(hours=1),
    )
    overdue = values("purge_overdue_seconds")[("replayed assertions",)]
    assert 3_600 <= overdue < 3_700
    purge.purge_expired(now, max_batches=1)
    assert values("purge_overdue_seconds")[("replayed assertions",)] == 0.0


def test_scrape_is_a_bounded_number_of_statements(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_assert_max_num_queries(11):
        list(StateCollector().collect())


def test_database_that_is_away_is_told_and_fails_nothing(client: Client) -> None:
    with connection.execute_wrapper(_fail):
        response = client.get("/metrics")
    assert response.status_code == 200
    assert b"authplatform_database_up 0.0" in response.content
    assert b"authplatform_signing_keys" not in response.content


def _fail(*_: object) -> None:
    raise OperationalError("away")


def test_refusals_are_counted_by_reason() -> None:
    before = values("refusals_total").get(("token", "no_policy_allows"), 0.0)
    count_refusal("token", "no_policy_allows")
    assert values("refusals_total")[("token", "no_policy_allows")] == before + 1


def test_gauge_of_a_dead_process_is_forgotten(tmp_path: Path, settings: Settings) -> None:
    settings.AUTHPLATFORM_METRICS_DIRECTORY = str(tmp_path)
    script = "from authplatform import metrics; metrics.SNAPSHOT_RENEWED.set(1)"
    variables = {
        **os.environ,
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "tests.settings",
    }
    setup = f"import django; django.setup(); {script}"
    subprocess.run([sys.executable, "-c", setup], env=variables, check=True)  # noqa: S603 - our own.
    assert list(tmp_path.glob("gauge_livemin_*.db"))
    assert b"authplatform_snapshot_renewed_timestamp_seconds 1.0" not in metrics.write_exposition()
    assert not list(tmp_path.glob("gauge_livemin_*.db"))


def test_scrape_counts_logouts_that_are_still_to_be_told() -> None:
    now = timezone.now()
    values_of = {"created_at": now, "next_attempt_at": now, "expires_at": now}
    for status in LogoutDelivery.Status:
        ids = {name: uuid.uuid4() for name in ("tenant_id", "client_id", "subject_id")}
        LogoutDelivery.objects.create(sign_in_id=uuid.uuid4(), status=status, **ids, **values_of)
    assert values("logout_deliveries_pending") == {(): 1.0}
