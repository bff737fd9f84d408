"""Gives the database roles their tables and makes the sequence of the cut-offs."""

from django.db import migrations

from tenants.database_roles import (
    APP,
    APPEND,
    CONSOLE,
    IS_PLATFORM_OPERATOR,
    OPERATOR_ID,
    create_role,
    guard_table,
    linked_rows,
    open_table,
    own_rows,
    unguard_table,
)

DJANGO_TABLES = (
    "django_content_type",
    "django_session",
    "django_admin_log",
    "django_migrations",
    "auth_permission",
    "auth_group",
    "auth_group_permissions",
    "tenants_user_groups",
    "tenants_user_user_permissions",
)
TENANT_TABLES = (
    "tenants_accesspolicy",
    "tenants_api",
    "tenants_auditdetail",
    "tenants_claimprofile",
    "tenants_claimrule",
    "tenants_client",
    "tenants_clientgrantsettings",
    "tenants_clientsecret",
    "tenants_cutoff",
    "tenants_group",
    "tenants_mastertoken",
    "tenants_membership",
    "tenants_scope",
    "tenants_signingkey",
    "tenants_subject",
    "tenants_subjectidentity",
    "tenants_trustprofile",
)
APPEND_ONLY_TABLES = ("tenants_auditevent", "tenants_configurationchange")
LINK_TABLES = {
    "tenants_accesspolicy_apis": {
        "accesspolicy_id": "tenants_accesspolicy",
        "api_id": "tenants_api",
    },
    "tenants_accesspolicy_clients": {
        "accesspolicy_id": "tenants_accesspolicy",
        "client_id": "tenants_client",
    },
    "tenants_api_resource_server_clients": {
        "api_id": "tenants_api",
        "client_id": "tenants_client",
    },
    "tenants_client_scopes": {"client_id": "tenants_client", "scope_id": "tenants_scope"},
    "tenants_client_default_scopes": {"client_id": "tenants_client", "scope_id": "tenants_scope"},
    "tenants_group_subjects": {"group_id": "tenants_group", "subject_id": "tenants_subject"},
    "tenants_mastertoken_scopes": {
        "mastertoken_id": "tenants_mastertoken",
        "scope_id": "tenants_scope",
    },
    "tenants_trustprofile_maximum_scopes": {
        "trustprofile_id": "tenants_trustprofile",
        "scope_id": "tenants_scope",
    },
}
HAS_VISIBLE_TENANT = (
    f"({IS_PLATFORM_OPERATOR} OR EXISTS (SELECT 1 FROM tenants_tenant t "
    "WHERE t.environment_id = tenants_environment.id))"
)
HAS_VISIBLE_ENVIRONMENT = (
    f"({IS_PLATFORM_OPERATOR} OR EXISTS (SELECT 1 FROM tenants_environment e "
    "WHERE e.project_id = tenants_project.id))"
)
IS_VISIBLE_OPERATOR = (
    f"({IS_PLATFORM_OPERATOR} OR id = {OPERATOR_ID} OR EXISTS (SELECT 1 FROM tenants_membership m "
    "WHERE m.user_id = tenants_user.id))"
)
# An operator may change their own password, but never make themselves a platform operator.
IS_OWN_OPERATOR = f"({IS_PLATFORM_OPERATOR} OR (id = {OPERATOR_ID} AND NOT is_superuser))"


def all_guards() -> list[str]:
    """Write every grant and policy of the tenants package."""
    statements = [statement for table in DJANGO_TABLES for statement in open_table(table)]
    for table in TENANT_TABLES:
        statements += guard_table(table, own_rows())
    for table in APPEND_ONLY_TABLES:
        statements += guard_table(table, own_rows(), privileges=APPEND)
    for table, parents in LINK_TABLES.items():
        statements += guard_table(table, linked_rows(table, parents))
    statements += guard_table("tenants_tenant", own_rows("id"))
    operator = IS_PLATFORM_OPERATOR
    statements += guard_table("tenants_platform", "true", writable=operator)
    statements += guard_table("tenants_issuerreservation", operator)
    statements += guard_table("tenants_environment", HAS_VISIBLE_TENANT, writable=operator)
    statements += guard_table("tenants_project", HAS_VISIBLE_ENVIRONMENT, writable=operator)
    statements += guard_table("tenants_user", IS_VISIBLE_OPERATOR, writable=IS_OWN_OPERATOR)
    return statements


def all_unguards() -> list[str]:
    """Write what takes every grant and policy away again."""
    guarded = (
        *TENANT_TABLES,
        *APPEND_ONLY_TABLES,
        *LINK_TABLES,
        "tenants_tenant",
        "tenants_platform",
        "tenants_issuerreservation",
        "tenants_environment",
        "tenants_project",
        "tenants_user",
    )
    return [statement for table in guarded for statement in unguard_table(table)]


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0001_initial"),
        ("admin", "0003_logentry_add_action_flag_choices"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("sessions", "0001_initial"),
    ]

    operations = [
        migrations.RunSQL(create_role(APP), migrations.RunSQL.noop),
        migrations.RunSQL(create_role(CONSOLE), migrations.RunSQL.noop),
        migrations.RunSQL(
            f"GRANT USAGE ON SCHEMA public TO {APP}, {CONSOLE}", migrations.RunSQL.noop
        ),
        migrations.RunSQL(all_guards(), all_unguards()),
        migrations.RunSQL(
            "CREATE SEQUENCE tenants_cutoff_number AS bigint",
            "DROP SEQUENCE tenants_cutoff_number",
        ),
        migrations.RunSQL(
            f"GRANT USAGE, SELECT ON SEQUENCE tenants_cutoff_number TO {APP}, {CONSOLE}",
            migrations.RunSQL.noop,
        ),
        migrations.RunSQL(
            "INSERT INTO tenants_platform (id, version, token_retention_seconds, "
            "access_token_lifetime_seconds, max_access_token_lifetime_seconds, "
            "refresh_token_lifetime_seconds, max_refresh_token_lifetime_seconds, "
            "refresh_token_idle_lifetime_seconds, max_refresh_token_idle_lifetime_seconds, "
            "access_token_format, claim_profile) VALUES (1, 1, 604800, 3600, 86400, 2592000, "
            "31536000, 604800, 7776000, 'jwt', 'rfc9068')",
            "DELETE FROM tenants_platform",
        ),
    ]
