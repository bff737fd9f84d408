"""Gives the database roles the tables of the tokens package."""

from django.db import migrations

from tenants.database_roles import guard_table, own_rows, unguard_table

# The partitions of the access tokens carry no grant at all: access only through the parent.
TABLES = (
    "tokens_accesstoken",
    "tokens_authorizationcode",
    "tokens_consent",
    "tokens_devicecode",
    "tokens_refreshtoken",
    "tokens_replayedassertion",
    "tokens_session",
)


class Migration(migrations.Migration):
    dependencies = [("tokens", "0001_initial"), ("tenants", "0002_database_roles")]

    operations = [
        migrations.RunSQL(
            [statement for table in TABLES for statement in guard_table(table, own_rows())],
            [statement for table in TABLES for statement in unguard_table(table)],
        ),
    ]
