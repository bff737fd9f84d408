"""The database roles and the SQL that gives each of them its tables.

The owner runs migrations. `app` is the token path and the tasks: every row. `console` is the admin
and the management API: the rows of the tenants in `app.tenant_ids`, or all of them where
`app.platform_operator` is on. Both settings are made per transaction.
"""

from __future__ import annotations

APP = "authplatform_app"
CONSOLE = "authplatform_console"
READ_WRITE = "SELECT, INSERT, UPDATE, DELETE"
APPEND = "SELECT, INSERT"

IS_PLATFORM_OPERATOR = "COALESCE(current_setting('app.platform_operator', true), '') = 'on'"
# After the first transaction that sets it the setting is '' and not NULL, hence the NULLIF.
TENANT_IDS = "COALESCE(NULLIF(current_setting('app.tenant_ids', true), ''), '{}')::uuid[]"
OPERATOR_ID = "NULLIF(current_setting('app.operator_id', true), '')::uuid"


def own_rows(column: str = "tenant_id") -> str:
    """Write the condition by which the console sees a tenant's rows."""
    return f"({IS_PLATFORM_OPERATOR} OR {column} = ANY ({TENANT_IDS}))"


def linked_rows(table: str, parents: dict[str, str]) -> str:
    """Write the condition for a link table: both of its ends are visible to the reader."""
    ends = [
        f"EXISTS (SELECT 1 FROM {parent} parent WHERE parent.id = {table}.{column})"  # noqa: S608 - fixed.
        for column, parent in parents.items()
    ]
    return " AND ".join(ends)


def create_role(role: str) -> str:
    """Write the statement that makes a role and lets the migrating user take it.

    Where the user may not create roles and it is missing, the error says what the DBA must run.
    """
    return f"""
    DO $$
    BEGIN
        IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '{role}') THEN
            CREATE ROLE {role} NOLOGIN;
        END IF;
        IF NOT pg_has_role(current_user, '{role}', 'USAGE') THEN
            EXECUTE format('GRANT {role} TO %I', current_user);
        END IF;
    EXCEPTION
        WHEN duplicate_object OR unique_violation THEN NULL;
        WHEN insufficient_privilege THEN
            RAISE EXCEPTION USING MESSAGE = format(
                'A database administrator must run: CREATE ROLE {role} NOLOGIN; '
                'GRANT {role} TO %I;', current_user);
    END $$
    """  # noqa: S608 - our own fixed names.


def open_table(table: str, privileges: str = READ_WRITE) -> list[str]:
    """Write the grants for a table without tenants, such as Django's own."""
    return [f"GRANT {privileges} ON {table} TO {APP}, {CONSOLE}"]


def guard_table(
    table: str,
    visible: str,
    *,
    writable: str = "",
    privileges: str = READ_WRITE,
) -> list[str]:
    """Write the grants and policies by which the console sees and writes only what it may."""
    writable = writable or visible
    return [
        *open_table(table, privileges),
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"CREATE POLICY app ON {table} TO {APP} USING (true) WITH CHECK (true)",
        f"CREATE POLICY console_read ON {table} FOR SELECT TO {CONSOLE} USING ({visible})",
        f"CREATE POLICY console_insert ON {table} FOR INSERT TO {CONSOLE} WITH CHECK ({writable})",
        (
            f"CREATE POLICY console_update ON {table} FOR UPDATE TO {CONSOLE} "
            f"USING ({writable}) WITH CHECK ({writable})"
        ),
        f"CREATE POLICY console_delete ON {table} FOR DELETE TO {CONSOLE} USING ({writable})",
    ]


def unguard_table(table: str) -> list[str]:
    """Write the statements that take policies and grants away again."""
    policies = ("app", "console_read", "console_insert", "console_update", "console_delete")
    return [
        *(f"DROP POLICY IF EXISTS {policy} ON {table}" for policy in policies),
        f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
        f"REVOKE ALL ON {table} FROM {APP}, {CONSOLE}",
    ]
