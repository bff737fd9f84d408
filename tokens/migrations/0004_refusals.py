"""Makes the refused requests: traces, partitioned by the time of the refusal, and counts."""

import uuid

import django.db.models.deletion
import django.db.models.functions.comparison
from django.conf import settings
from django.db import migrations, models

from tenants.database_roles import guard_table, own_rows, unguard_table

# Partitioned by the id, whose leading 48 bits are the time in milliseconds.
CREATE_REFUSAL = """
CREATE TABLE tokens_refusal (
    id uuid NOT NULL PRIMARY KEY,
    tenant_id uuid NOT NULL,
    request_id varchar(64) NOT NULL,
    client_id uuid NULL,
    presented_client_id varchar(255) NOT NULL,
    operation varchar(64) NOT NULL,
    grant_type varchar(64) NOT NULL,
    reason varchar(64) NOT NULL,
    error varchar(64) NOT NULL,
    address varchar(45) NOT NULL,
    trace jsonb NOT NULL
) PARTITION BY RANGE (id)
"""
DROP_REFUSAL = "DROP TABLE tokens_refusal"
# The partitions carry no grant at all: access only through the parent.
TABLES = ("tokens_refusal", "tokens_refusalcount")
NO_CONSTRAINT = {
    "db_constraint": False,
    "db_index": False,
    "on_delete": django.db.models.deletion.DO_NOTHING,
    "related_name": "+",
}


class Migration(migrations.Migration):
    dependencies = [
        ("tokens", "0003_revoked_ancestor"),
        ("tenants", "0003_refusal_retention"),
        migrations.swappable_dependency(settings.OAUTH2_PROVIDER_APPLICATION_MODEL),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(CREATE_REFUSAL, DROP_REFUSAL)],
            state_operations=[
                migrations.CreateModel(
                    name="Refusal",
                    fields=[
                        ("id", models.UUIDField(primary_key=True, serialize=False)),
                        ("request_id", models.CharField(max_length=64)),
                        (
                            "presented_client_id",
                            models.CharField(blank=True, default="", max_length=255),
                        ),
                        ("operation", models.CharField(max_length=64)),
                        ("grant_type", models.CharField(blank=True, default="", max_length=64)),
                        ("reason", models.CharField(max_length=64)),
                        ("error", models.CharField(max_length=64)),
                        ("address", models.CharField(blank=True, default="", max_length=45)),
                        (
                            "trace",
                            models.JSONField(
                                help_text="Request, checks, policies and versions; no secrets."
                            ),
                        ),
                        (
                            "client",
                            models.ForeignKey(
                                null=True,
                                to=settings.OAUTH2_PROVIDER_APPLICATION_MODEL,
                                **NO_CONSTRAINT,
                            ),
                        ),
                        ("tenant", models.ForeignKey(to="tenants.tenant", **NO_CONSTRAINT)),
                    ],
                    options={"ordering": ("-id",)},
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="refusal",
            index=models.Index(fields=["tenant", "-id"], name="tokens_refusal_tenant"),
        ),
        migrations.AddIndex(
            model_name="refusal",
            index=models.Index(fields=["tenant", "request_id"], name="tokens_refusal_request"),
        ),
        migrations.AddIndex(
            model_name="refusal",
            index=models.Index(
                fields=["tenant", "presented_client_id", "-id"], name="tokens_refusal_client"
            ),
        ),
        migrations.CreateModel(
            name="RefusalCount",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("minute", models.DateTimeField()),
                ("reason", models.CharField(max_length=64)),
                ("count", models.PositiveBigIntegerField()),
                (
                    "client",
                    models.ForeignKey(
                        null=True, to=settings.OAUTH2_PROVIDER_APPLICATION_MODEL, **NO_CONSTRAINT
                    ),
                ),
                ("tenant", models.ForeignKey(to="tenants.tenant", **NO_CONSTRAINT)),
            ],
            options={
                "ordering": ("-minute",),
                "indexes": [models.Index(fields=["minute"], name="tokens_refusalcount_minute")],
                "constraints": [
                    models.UniqueConstraint(
                        models.F("tenant"),
                        models.F("minute"),
                        django.db.models.functions.comparison.Coalesce(
                            "client",
                            models.Value(uuid.UUID(int=0), output_field=models.UUIDField()),
                        ),
                        models.F("reason"),
                        name="tokens_refusalcount_once",
                    )
                ],
            },
        ),
        migrations.RunSQL(
            [statement for table in TABLES for statement in guard_table(table, own_rows())],
            [statement for table in TABLES for statement in unguard_table(table)],
        ),
    ]
