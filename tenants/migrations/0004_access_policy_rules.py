"""Gives access policies rules, more links, a mode and limits."""

import django.contrib.postgres.fields
import django.core.validators
from django.db import migrations, models

from tenants.database_roles import guard_table, linked_rows, unguard_table

LINK_TABLES = {
    f"tenants_accesspolicy_{name}": {
        "accesspolicy_id": "tenants_accesspolicy",
        f"{target}_id": f"tenants_{target}",
    }
    for name, target in (
        ("scopes", "scope"),
        ("subjects", "subject"),
        ("groups", "group"),
        ("trust_profiles", "trustprofile"),
    )
}


def all_guards():
    """Write the grants and policies of the new link tables."""
    return [
        statement
        for table, parents in LINK_TABLES.items()
        for statement in guard_table(table, linked_rows(table, parents))
    ]


def all_unguards():
    """Write what takes them away again."""
    return [statement for table in LINK_TABLES for statement in unguard_table(table)]


class Migration(migrations.Migration):
    dependencies = [
        ('tenants', '0003_refusal_retention'),
    ]

    operations = [
        migrations.AddField(
            model_name='accesspolicy',
            name='client_kinds',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('service', 'backend service'), ('web', 'web application'), ('spa', 'single-page application'), ('native', 'native application'), ('device', 'device without browser'), ('workload', 'workload with an outside identity'), ('dynamic', 'dynamically registered')], max_length=16), blank=True, default=list, help_text='Empty: every kind of client.', size=None),
        ),
        migrations.AddField(
            model_name='accesspolicy',
            name='groups',
            field=models.ManyToManyField(blank=True, help_text='Empty: every group, and none.', related_name='access_policies', to='tenants.group'),
        ),
        migrations.AddField(
            model_name='accesspolicy',
            name='limit_audiences',
            field=models.JSONField(blank=True, default=None, help_text='The only audiences that may be left, as a list. Empty: no limit.', null=True),
        ),
        migrations.AddField(
            model_name='accesspolicy',
            name='limit_lifetime_seconds',
            field=models.PositiveIntegerField(blank=True, help_text='The longest that an access token may live. Empty: no limit.', null=True, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(2592000)]),
        ),
        migrations.AddField(
            model_name='accesspolicy',
            name='limit_scopes',
            field=models.JSONField(blank=True, default=None, help_text='The only scopes that may be left, as a list of names. Empty: no limit.', null=True),
        ),
        migrations.AddField(
            model_name='accesspolicy',
            name='mode',
            field=models.CharField(choices=[('enforce', 'enforce'), ('shadow', 'shadow: evaluated and reported, without effect')], default='enforce', max_length=8),
        ),
        migrations.AddField(
            model_name='accesspolicy',
            name='operations',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('client_credentials', 'Client credentials'), ('refresh_token', 'Refresh token'), ('authorization_code', 'Authorization code'), ('urn:ietf:params:oauth:grant-type:jwt-bearer', 'JWT bearer'), ('urn:ietf:params:oauth:grant-type:token-exchange', 'Token exchange'), ('urn:ietf:params:oauth:grant-type:device_code', 'Device code'), ('introspection', 'Introspection'), ('access', 'Access evaluation (AuthZEN)')], max_length=64), blank=True, default=list, help_text='Empty: every operation.', size=None),
        ),
        migrations.AddField(
            model_name='accesspolicy',
            name='rule',
            field=models.JSONField(blank=True, default=None, help_text='What the engine evaluates: a pattern, a JSON Schema, Cedar policies as one text, or a list of rules for all and any. Empty for the engine allow.', null=True),
        ),
        migrations.AddField(
            model_name='accesspolicy',
            name='scopes',
            field=models.ManyToManyField(blank=True, help_text='Empty: every scope.', related_name='access_policies', to='tenants.scope'),
        ),
        migrations.AddField(
            model_name='accesspolicy',
            name='subjects',
            field=models.ManyToManyField(blank=True, help_text='Empty: every subject, and nobody at all.', related_name='access_policies', to='tenants.subject'),
        ),
        migrations.AddField(
            model_name='accesspolicy',
            name='trust_profiles',
            field=models.ManyToManyField(blank=True, help_text='Empty: whoever vouches, and nobody.', related_name='access_policies', to='tenants.trustprofile'),
        ),
        migrations.AlterField(
            model_name='accesspolicy',
            name='effect',
            field=models.CharField(choices=[('allow', 'allow'), ('deny', 'deny'), ('limit', 'limit')], default='allow', max_length=8),
        ),
        migrations.AlterField(
            model_name='accesspolicy',
            name='engine',
            field=models.CharField(choices=[('allow', 'always matches'), ('match', 'match: a pattern of the request'), ('schema', 'schema: JSON Schema'), ('cedar', 'cedar: Cedar policies'), ('all', 'all: every rule of a list'), ('any', 'any: one rule of a list')], default='allow', max_length=16),
        ),
        migrations.AddConstraint(
            model_name='accesspolicy',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('effect', 'limit'), models.Q(('limit_audiences__isnull', True), ('limit_lifetime_seconds__isnull', True), ('limit_scopes__isnull', True), _negated=True)), models.Q(models.Q(('effect', 'limit'), _negated=True), ('limit_audiences__isnull', True), ('limit_lifetime_seconds__isnull', True), ('limit_scopes__isnull', True)), _connector='OR'), name='tenants_accesspolicy_limits', violation_error_message='A policy has limits exactly if its effect is limit.'),
        ),
        migrations.AddConstraint(
            model_name='accesspolicy',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('engine', 'allow'), ('rule__isnull', True)), models.Q(models.Q(('engine', 'allow'), _negated=True), ('rule__isnull', False)), _connector='OR'), name='tenants_accesspolicy_rule', violation_error_message='A policy has a rule exactly if its engine is not allow.'),
        ),
        migrations.RunSQL(all_guards(), all_unguards()),
    ]
