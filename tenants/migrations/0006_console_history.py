"""Lets the console read the history of the platform and of environments that it may see anyway.

An issued token is explained by the configuration at its versions, and those of the levels above a
tenant have no tenant of their own.
"""

from django.db import migrations

from tenants.database_roles import CONSOLE

CREATE_POLICY = f"""
CREATE POLICY console_levels ON tenants_configurationchange FOR SELECT TO {CONSOLE} USING (
  entity_kind = 'platform'
  OR (entity_kind = 'environment' AND EXISTS (
    SELECT 1 FROM tenants_environment e WHERE e.id::text = entity_id))
  OR (entity_kind = 'project' AND EXISTS (
    SELECT 1 FROM tenants_project p WHERE p.id::text = entity_id)))
"""
DROP_POLICY = "DROP POLICY console_levels ON tenants_configurationchange"


class Migration(migrations.Migration):
    dependencies = [("tenants", "0005_policy_scopes")]

    operations = [migrations.RunSQL(CREATE_POLICY, DROP_POLICY)]
