"""Lets tokens name their actors, and ends what was derived of a token together with it.

The older function knows revocation only; it stays while the release that calls it may be running.
"""

import django.contrib.postgres.fields
from django.db import migrations, models

# Columns of a cut-off with what an ancestor `t`, its session `s` aside, holds of them.
HELD = {
    "client_id": "t.client_id",
    "subject_id": "t.subject_id",
    "app_tenant_id": "t.app_tenant_id",
    "app_subject_id": "t.app_subject_id",
    "api_id": "ANY (t.api_ids)",
    "trust_profile_id": "t.trust_profile_id",
    "master_token_id": "t.master_token_id",
    "signing_key_id": "t.signing_key_id",
    "session_id": "t.session_id",
    "token_id": "t.id",
}
NARROW = ("subject_id", "app_subject_id", "session_id", "token_id")
MATCHES = " AND ".join(
    f"(cut.{name} IS NULL OR cut.{name} = {held})" for name, held in HELD.items()
)
# Each kind has an index of its own.
KINDS = (
    " AND ".join(f"cut.{name} IS NULL" for name in NARROW),
    *(f"cut.{name} = {HELD[name]}" for name in NARROW),
)
CUT_OFF = " OR ".join(
    f"""EXISTS (SELECT 1 FROM tenants_cutoff cut WHERE cut.tenant_id = t.tenant_id
          AND cut.number > LEAST(t.cut_off_number, s.cut_off_number) AND {kind} AND {MATCHES})"""
    for kind in KINDS
)
# The bound keeps a circle of parents, which nobody should write, from running for ever.
CREATE_FUNCTION = f"""
CREATE FUNCTION tokens_has_dead_ancestor(ancestor_id uuid, moment timestamptz) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
DECLARE
    parent tokens_accesstoken.parent_id%TYPE := ancestor_id;
    is_dead boolean;
BEGIN
    FOR depth IN 1..16 LOOP
        SELECT t.parent_id, t.revoked_at IS NOT NULL OR t.expires_at <= moment
          OR (t.session_id IS NOT NULL
            AND (s.id IS NULL OR s.ended_at IS NOT NULL OR s.expires_at <= moment))
          OR {CUT_OFF}
          INTO parent, is_dead
          FROM tokens_accesstoken t LEFT JOIN tokens_session s ON s.id = t.session_id
          WHERE t.id = parent;
        IF NOT FOUND OR is_dead THEN
            RETURN true;
        END IF;
        IF parent IS NULL THEN
            RETURN false;
        END IF;
    END LOOP;
    RETURN true;
END $$
"""
DROP_FUNCTION = "DROP FUNCTION tokens_has_dead_ancestor(uuid, timestamptz)"


class Migration(migrations.Migration):

    dependencies = [
        ('tokens', '0006_application_subjects'),
    ]

    operations = [
        migrations.AddField(
            model_name='accesstoken',
            name='actors',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=255), help_text='Who acts for the subject, the latest first; null where nobody does.', null=True, size=None),
        ),
        migrations.RunSQL(CREATE_FUNCTION, DROP_FUNCTION),
    ]
