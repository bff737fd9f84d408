"""Gives master tokens limits and quotas, subjects an external id, and tenants a way to leave."""

import django.contrib.postgres.fields
import django.core.validators
import tenants.models.fields
import tenants.models.master_token
import tenants.models.subject
from django.db import migrations, models

from tenants.database_roles import IS_PLATFORM_OPERATOR, guard_table, unguard_table


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0006_console_history'),
    ]

    operations = [
        migrations.CreateModel(
            name='Offboarding',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('path', models.CharField(max_length=200)),
                ('begun_at', models.DateTimeField(auto_now_add=True)),
                ('delete_after', models.DateTimeField(help_text='Until then the tenant can be kept, by enabling it again.')),
                ('finished_at', models.DateTimeField(editable=False, null=True)),
                ('report', models.JSONField(default=dict, editable=False, help_text='Rows by table, before and after.')),
            ],
            options={
                'ordering': ('-begun_at',),
            },
        ),
        migrations.AddField(
            model_name='mastertoken',
            name='allowed_addresses',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=49), blank=True, default=list, help_text='Addresses or networks it may be used from. Empty: any.', size=100, validators=[tenants.models.master_token.validate_networks]),
        ),
        migrations.AddField(
            model_name='mastertoken',
            name='allowed_origins',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=255), blank=True, default=list, help_text='Web origins whose scripts may use it; then nobody else may. This is no authentication: programs send whatever origin they like. Empty: no check.', size=100, validators=[tenants.models.fields.validate_origins]),
        ),
        migrations.AddField(
            model_name='mastertoken',
            name='max_users_per_address_per_day',
            field=models.PositiveIntegerField(default=10, help_text='How many users a public token makes for one address (IPv6: /64) in a day (UTC).', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(1000000)]),
        ),
        migrations.AddField(
            model_name='mastertoken',
            name='max_users_per_day',
            field=models.PositiveIntegerField(default=1000, help_text='How many users a public token makes in a day (UTC).', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(1000000)]),
        ),
        migrations.AddField(
            model_name='mastertoken',
            name='user_groups',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=63, validators=[django.core.validators.RegexValidator('^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\\Z', 'Use 1 to 63 lower-case letters, digits and hyphens, not beginning or ending with a hyphen.')]), blank=True, default=list, help_text='A private token reaches the users in one of these groups, by slug. Empty: all users of the tenant.', size=100),
        ),
        migrations.AddField(
            model_name='subject',
            name='erased_at',
            field=models.DateTimeField(editable=False, help_text='Since then only the id is left, as a pseudonym.', null=True),
        ),
        migrations.AddField(
            model_name='subject',
            name='external_id',
            field=models.CharField(blank=True, default=None, help_text="What the tenant's own systems call the user; unique in the tenant.", max_length=255, null=True, validators=[django.core.validators.RegexValidator('^[\\x21-\\x7e]{1,255}\\Z', 'Use 1 to 255 printable ASCII characters without spaces.')]),
        ),
        migrations.AlterField(
            model_name='accesspolicy',
            name='operations',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('client_credentials', 'Client credentials'), ('refresh_token', 'Refresh token'), ('authorization_code', 'Authorization code'), ('urn:ietf:params:oauth:grant-type:jwt-bearer', 'JWT bearer'), ('urn:ietf:params:oauth:grant-type:token-exchange', 'Token exchange'), ('urn:ietf:params:oauth:grant-type:device_code', 'Device code'), ('urn:authplatform:grant-type:master-token', 'Master token'), ('introspection', 'Introspection'), ('access', 'Access evaluation (AuthZEN)')], max_length=64), blank=True, default=list, help_text='Empty: every operation.', size=None),
        ),
        migrations.AlterField(
            model_name='claimrule',
            name='grant_type',
            field=models.CharField(blank=True, choices=[('client_credentials', 'Client credentials'), ('refresh_token', 'Refresh token'), ('authorization_code', 'Authorization code'), ('urn:ietf:params:oauth:grant-type:jwt-bearer', 'JWT bearer'), ('urn:ietf:params:oauth:grant-type:token-exchange', 'Token exchange'), ('urn:ietf:params:oauth:grant-type:device_code', 'Device code'), ('urn:authplatform:grant-type:master-token', 'Master token')], default='', max_length=64),
        ),
        migrations.AlterField(
            model_name='client',
            name='grant_types',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('client_credentials', 'Client credentials'), ('refresh_token', 'Refresh token'), ('authorization_code', 'Authorization code'), ('urn:ietf:params:oauth:grant-type:jwt-bearer', 'JWT bearer'), ('urn:ietf:params:oauth:grant-type:token-exchange', 'Token exchange'), ('urn:ietf:params:oauth:grant-type:device_code', 'Device code'), ('urn:authplatform:grant-type:master-token', 'Master token')], max_length=64), blank=True, default=list, size=None),
        ),
        migrations.AlterField(
            model_name='clientgrantsettings',
            name='grant_type',
            field=models.CharField(choices=[('client_credentials', 'Client credentials'), ('refresh_token', 'Refresh token'), ('authorization_code', 'Authorization code'), ('urn:ietf:params:oauth:grant-type:jwt-bearer', 'JWT bearer'), ('urn:ietf:params:oauth:grant-type:token-exchange', 'Token exchange'), ('urn:ietf:params:oauth:grant-type:device_code', 'Device code'), ('urn:authplatform:grant-type:master-token', 'Master token')], max_length=64),
        ),
        migrations.AlterField(
            model_name='environment',
            name='allowed_grant_types',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('client_credentials', 'Client credentials'), ('refresh_token', 'Refresh token'), ('authorization_code', 'Authorization code'), ('urn:ietf:params:oauth:grant-type:jwt-bearer', 'JWT bearer'), ('urn:ietf:params:oauth:grant-type:token-exchange', 'Token exchange'), ('urn:ietf:params:oauth:grant-type:device_code', 'Device code'), ('urn:authplatform:grant-type:master-token', 'Master token')], max_length=64), blank=True, default=list, help_text='No client below uses another grant. Empty: no ceiling at this level.', size=None),
        ),
        migrations.AlterField(
            model_name='mastertoken',
            name='is_enabled',
            field=models.BooleanField(default=True, help_text='Disabling it ends at once every token that it has given.'),
        ),
        migrations.AlterField(
            model_name='subject',
            name='attributes',
            field=models.JSONField(blank=True, default=dict, validators=[tenants.models.subject.validate_attributes]),
        ),
        migrations.AddIndex(
            model_name='subject',
            index=models.Index(fields=['tenant', 'id'], name='tenants_subject_page'),
        ),
        migrations.AddConstraint(
            model_name='subject',
            constraint=models.UniqueConstraint(fields=('tenant', 'external_id'), name='tenants_subject_external_id', violation_error_message='Another user of the tenant has this external id.'),
        ),
        migrations.RunSQL(
            guard_table("tenants_offboarding", IS_PLATFORM_OPERATOR),
            unguard_table("tenants_offboarding"),
        ),
    ]
