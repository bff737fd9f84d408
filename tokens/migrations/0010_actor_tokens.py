"""Ends what was derived by an actor's token together with that token, and counts ancestors.

Tokens have two kinds of parents now: the one that was exchanged, and the actor's. The function of
migration 0003, which knew revocation only, has had no caller since 0007.
"""

import importlib

from django.db import migrations, models

_older = importlib.import_module("tokens.migrations.0003_revoked_ancestor")
_derived = importlib.import_module("tokens.migrations.0007_derived_tokens")

# The bound keeps a circle of parents, which nobody should write, from running for ever: what has
# more ancestors is dead. The exchange sees to it that no token has, each counted as often as it is
# met on the way up.
MAX_ANCESTORS = 16
REPLACE_FUNCTION = f"""
CREATE OR REPLACE FUNCTION tokens_has_dead_ancestor(ancestor_id uuid, moment timestamptz)
RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
    waiting uuid[] := ARRAY[ancestor_id];
    parents uuid[];
    is_dead boolean;
BEGIN
    FOR met IN 1..{MAX_ANCESTORS} LOOP
        SELECT ARRAY[t.parent_id, t.actor_token_id], t.revoked_at IS NOT NULL
          OR t.expires_at <= moment
          OR (t.session_id IS NOT NULL
            AND (s.id IS NULL OR s.ended_at IS NOT NULL OR s.expires_at <= moment))
          OR (t.subject_id IS NOT NULL AND p.is_enabled IS NOT TRUE)
          OR {_derived.CUT_OFF}
          INTO parents, is_dead
          FROM tokens_accesstoken t
            LEFT JOIN tokens_session s ON s.id = t.session_id
            LEFT JOIN tenants_subject p ON p.id = t.subject_id
          WHERE t.id = waiting[1];
        IF NOT FOUND OR is_dead THEN
            RETURN true;
        END IF;
        waiting := waiting[2:] || array_remove(parents, NULL);
        IF cardinality(waiting) = 0 THEN
            RETURN false;
        END IF;
    END LOOP;
    RETURN true;
END $$
"""
RESTORE_FUNCTION = _derived.CREATE_FUNCTION.replace(
    "CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"
)
# A function, so that each look-up is pruned to one partition; it stops when there are too many.
CREATE_COUNT = f"""
CREATE FUNCTION tokens_count_ancestors(parent_ids uuid[]) RETURNS integer
LANGUAGE plpgsql STABLE AS $$
DECLARE
    waiting uuid[] := parent_ids;
    parents uuid[];
    met integer := 0;
BEGIN
    WHILE cardinality(waiting) > 0 AND met <= {MAX_ANCESTORS} LOOP
        SELECT ARRAY[t.parent_id, t.actor_token_id] INTO parents
          FROM tokens_accesstoken t WHERE t.id = waiting[1];
        met := met + 1;
        waiting := waiting[2:] || array_remove(parents, NULL);
    END LOOP;
    RETURN met;
END $$
"""
DROP_COUNT = "DROP FUNCTION tokens_count_ancestors(uuid[])"


class Migration(migrations.Migration):

    dependencies = [
        ('tokens', '0009_foreign_token'),
    ]

    operations = [
        migrations.AddField(
            model_name='accesstoken',
            name='actor_token_id',
            field=models.UUIDField(help_text='The token of ours by which the actor of an exchange proved itself.', null=True),
        ),
        migrations.RunSQL(REPLACE_FUNCTION, RESTORE_FUNCTION),
        migrations.RunSQL(CREATE_COUNT, DROP_COUNT),
        migrations.RunSQL(_older.DROP_FUNCTION, _older.CREATE_FUNCTION),
    ]
