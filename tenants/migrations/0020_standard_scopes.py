"""Gives the built-in OpenID Connect Api of every tenant the standard scopes.

An Api of the tenant that has a scope of such a name keeps it.

One statement for all tenants: a tenant's rows come with their place in its history, so that a
process which is running meanwhile sees them, and the configuration at a version stays right.
"""

from django.db import migrations

SCOPES = (
    ("profile", "Read your profile, such as your name"),
    ("email", "Read your e-mail address"),
    ("address", "Read your postal address"),
    ("phone", "Read your phone number"),
)
VALUES = ", ".join(
    f"({number}, '{name}', '{title}')" for number, (name, title) in enumerate(SCOPES, 1)
)
# The database fills in the columns that are left out; the history has nobody who would.
ADD = f"""
WITH missing AS (
  SELECT gen_random_uuid() AS id, api.tenant_id, api.id AS api_id, wanted.name, wanted.title,
    row_number() OVER (PARTITION BY api.tenant_id ORDER BY wanted.number) AS number
  FROM tenants_api api CROSS JOIN (VALUES {VALUES}) AS wanted (number, name, title)
  WHERE api.built_in = 'openid' AND NOT EXISTS (
    SELECT 1 FROM tenants_scope scope
    WHERE scope.tenant_id = api.tenant_id AND scope.name = wanted.name)
), added AS (
  INSERT INTO tenants_scope
    (id, tenant_id, api_id, name, title, description, emphasized, usage_limit)
  SELECT id, tenant_id, api_id, name, title, '', false, 0 FROM missing
), raised AS (
  UPDATE tenants_tenant tenant SET version = tenant.version + counted.total
  FROM (SELECT tenant_id, count(*) AS total FROM missing GROUP BY tenant_id) counted
  WHERE tenant.id = counted.tenant_id
  RETURNING tenant.id, tenant.version - counted.total AS version
)
INSERT INTO tenants_configurationchange (transaction_id, scope_kind, scope_id, tenant_id, version,
  entity_kind, entity_id, state, actor_kind, actor_id, changed_at)
SELECT pg_current_xact_id()::text::bigint, 'tenant', missing.tenant_id::text, missing.tenant_id,
  raised.version + missing.number, 'scope', missing.id::text, jsonb_build_object('id', missing.id,
    'tenant_id', missing.tenant_id, 'api_id', missing.api_id, 'name', missing.name,
    'title', missing.title, 'description', '', 'emphasized', false, 'usage_limit', 0,
    'is_required', false, 'min_acr', '', 'translations', '{{}}'::jsonb),
  'system', '', now()
FROM missing JOIN raised ON raised.id = missing.tenant_id
"""


class Migration(migrations.Migration):
    dependencies = [("tenants", "0019_master_token_scopes")]

    # Whoever goes back keeps the scopes: clients may hold them, and the older code ignores them.
    operations = [migrations.RunSQL(ADD, migrations.RunSQL.noop)]
