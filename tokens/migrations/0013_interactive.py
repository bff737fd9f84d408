"""Keeps sign-ins of people, links by mail and logout deliveries, and how sessions began.

The defaults stay in the database, so that the release before this one goes on writing its rows.
"""

import django.contrib.postgres.fields
import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models

from tenants.database_roles import guard_table, own_rows, unguard_table

EMPTY, NOTHING, NONE = "''", "'{}'::jsonb", "'{}'"
DEFAULTS = {
    "tokens_consent": {"scope_ids": NONE},
    "tokens_session": {"acr": EMPTY, "amr": NONE, "claims_request": NOTHING, "is_offline": "false"},
}
OWNED = ("tokens_signin", "tokens_emaillink", "tokens_logoutdelivery")


def keep_defaults(verb):
    return [
        f"ALTER TABLE {table} ALTER COLUMN {column} {verb} DEFAULT{value}"
        for table, columns in DEFAULTS.items()
        for column, value in ((c, f" {v}" if verb == "SET" else "") for c, v in columns.items())
    ]


def guards():
    return [statement for table in OWNED for statement in guard_table(table, own_rows())]


def no_guards():
    return [statement for table in OWNED for statement in unguard_table(table)]


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0018_interactive'),
        ('tokens', '0012_cut_off_function'),
        migrations.swappable_dependency(settings.OAUTH2_PROVIDER_APPLICATION_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='EmailLink',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('purpose', models.CharField(choices=[('sign_in', 'signs in'), ('sign_up', 'makes an account'), ('verify', 'verifies the address'), ('reset', 'sets a new password')], max_length=8)),
                ('email', models.EmailField(max_length=254)),
                ('pepper_id', models.CharField(max_length=32)),
                ('secret_hash', models.BinaryField(max_length=32)),
                ('browser_hash', models.BinaryField(help_text='Of the browser that asked, where the link must be followed.', max_length=32)),
                ('sealed_request', models.TextField(blank=True, default='', help_text='Where the person goes on afterwards.', max_length=8192)),
                ('cut_off_number', models.BigIntegerField()),
                ('created_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField()),
                ('used_at', models.DateTimeField(null=True)),
            ],
            options={
                'ordering': ('-created_at',),
            },
        ),
        migrations.CreateModel(
            name='LogoutDelivery',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, help_text="The token's `jti`.", primary_key=True, serialize=False)),
                ('sign_in_id', models.UUIDField()),
                ('status', models.CharField(choices=[('pending', 'pending'), ('delivered', 'delivered'), ('given_up', 'given up')], default='pending', max_length=9)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('created_at', models.DateTimeField()),
                ('next_attempt_at', models.DateTimeField()),
                ('delivered_at', models.DateTimeField(null=True)),
                ('expires_at', models.DateTimeField(help_text='When the row is purged at the latest.')),
                ('last_error', models.CharField(blank=True, default='', max_length=200)),
            ],
            options={
                'verbose_name_plural': 'logout deliveries',
                'ordering': ('-created_at',),
            },
        ),
        migrations.CreateModel(
            name='SignIn',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ('pepper_id', models.CharField(max_length=32)),
                ('secret_hash', models.BinaryField(max_length=32)),
                ('acr', models.CharField(max_length=64)),
                ('amr', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=32), help_text='Source: RFC 8176.', size=None)),
                ('cut_off_number', models.BigIntegerField()),
                ('address', models.CharField(blank=True, default='', max_length=45)),
                ('user_agent', models.CharField(blank=True, default='', max_length=200)),
                ('started_at', models.DateTimeField()),
                ('authenticated_at', models.DateTimeField(help_text='When they last proved who they are.')),
                ('last_used_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(null=True)),
                ('ended_reason', models.CharField(blank=True, default='', max_length=32)),
            ],
            options={
                'ordering': ('-started_at',),
            },
        ),
        migrations.AddField(
            model_name='authorizationcode',
            name='acr',
            field=models.CharField(blank=True, default='', max_length=64),
        ),
        migrations.AddField(
            model_name='authorizationcode',
            name='amr',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=32), blank=True, default=list, size=None),
        ),
        migrations.AddField(
            model_name='authorizationcode',
            name='api_slug',
            field=models.CharField(blank=True, default='', max_length=63),
        ),
        migrations.AddField(
            model_name='authorizationcode',
            name='authenticated_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='authorizationcode',
            name='claims_request',
            field=models.JSONField(default=dict, help_text='The `claims` of the request (OpenID Connect Core section 5.5).'),
        ),
        migrations.AddField(
            model_name='authorizationcode',
            name='is_redirect_uri_required',
            field=models.BooleanField(default=True, help_text='Whether the request named it, so that its exchange must as well.'),
        ),
        migrations.AddField(
            model_name='authorizationcode',
            name='offline_lifetime_seconds',
            field=models.PositiveIntegerField(help_text='How long the person lets the client go on; null for no choice.', null=True),
        ),
        migrations.AddField(
            model_name='authorizationcode',
            name='sign_in_id',
            field=models.UUIDField(null=True),
        ),
        migrations.AddField(
            model_name='authorizationcode',
            name='trust_profile',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='tenants.trustprofile'),
        ),
        migrations.AddField(
            model_name='devicecode',
            name='acr',
            field=models.CharField(blank=True, default='', max_length=64),
        ),
        migrations.AddField(
            model_name='devicecode',
            name='address',
            field=models.CharField(blank=True, default='', max_length=45),
        ),
        migrations.AddField(
            model_name='devicecode',
            name='amr',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=32), blank=True, default=list, size=None),
        ),
        migrations.AddField(
            model_name='devicecode',
            name='api_slug',
            field=models.CharField(blank=True, default='', max_length=63),
        ),
        migrations.AddField(
            model_name='devicecode',
            name='authenticated_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='devicecode',
            name='interval_seconds',
            field=models.PositiveSmallIntegerField(default=5),
        ),
        migrations.AddField(
            model_name='devicecode',
            name='session_id',
            field=models.UUIDField(help_text='The session that began with it.', null=True),
        ),
        migrations.AddField(
            model_name='devicecode',
            name='sign_in_id',
            field=models.UUIDField(null=True),
        ),
        migrations.AddField(
            model_name='devicecode',
            name='user_agent',
            field=models.CharField(blank=True, default='', max_length=200),
        ),
        migrations.AddField(
            model_name='session',
            name='acr',
            field=models.CharField(blank=True, default='', max_length=64),
        ),
        migrations.AddField(
            model_name='session',
            name='amr',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=32), blank=True, default=list, size=None),
        ),
        migrations.AddField(
            model_name='session',
            name='authenticated_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='session',
            name='claims_request',
            field=models.JSONField(default=dict, help_text='The `claims` of the request (OpenID Connect Core section 5.5).'),
        ),
        migrations.AddField(
            model_name='session',
            name='is_offline',
            field=models.BooleanField(default=False, help_text='Whether it goes on when the person signs out.'),
        ),
        migrations.AddField(
            model_name='session',
            name='sign_in_id',
            field=models.UUIDField(null=True),
        ),
        migrations.AlterField(
            model_name='authorizationcode',
            name='session_id',
            field=models.UUIDField(help_text='The session that began with it.', null=True),
        ),
        migrations.AlterField(
            model_name='devicecode',
            name='status',
            field=models.CharField(choices=[('pending', 'pending'), ('approved', 'approved'), ('denied', 'denied'), ('used', 'used')], default='pending', max_length=8),
        ),
        migrations.AddField(
            model_name='consent',
            name='scope_ids',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), default=list, help_text='The scopes that were agreed to: another one of the same name is asked for.', size=None),
        ),
        migrations.AddIndex(
            model_name='devicecode',
            index=models.Index(condition=models.Q(('status', 'pending')), fields=['tenant', 'client', 'expires_at'], name='tokens_devicecode_pending'),
        ),
        migrations.AddField(
            model_name='emaillink',
            name='subject',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='tenants.subject'),
        ),
        migrations.AddField(
            model_name='emaillink',
            name='tenant',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='tenants.tenant'),
        ),
        migrations.AddField(
            model_name='logoutdelivery',
            name='client',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.OAUTH2_PROVIDER_APPLICATION_MODEL),
        ),
        migrations.AddField(
            model_name='logoutdelivery',
            name='subject',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='tenants.subject'),
        ),
        migrations.AddField(
            model_name='logoutdelivery',
            name='tenant',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='tenants.tenant'),
        ),
        migrations.AddField(
            model_name='signin',
            name='subject',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='tenants.subject'),
        ),
        migrations.AddField(
            model_name='signin',
            name='tenant',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='tenants.tenant'),
        ),
        migrations.AddField(
            model_name='signin',
            name='trust_profile',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='tenants.trustprofile'),
        ),
        migrations.AddIndex(
            model_name='emaillink',
            index=models.Index(fields=['tenant', 'email'], name='tokens_emaillink_email'),
        ),
        migrations.AddIndex(
            model_name='emaillink',
            index=models.Index(fields=['expires_at'], name='tokens_emaillink_expires_at'),
        ),
        migrations.AddIndex(
            model_name='logoutdelivery',
            index=models.Index(fields=['tenant', '-created_at'], name='tokens_logoutdelivery_tenant'),
        ),
        migrations.AddIndex(
            model_name='logoutdelivery',
            index=models.Index(condition=models.Q(('status', 'pending')), fields=['next_attempt_at'], name='tokens_logoutdelivery_due'),
        ),
        migrations.AddIndex(
            model_name='logoutdelivery',
            index=models.Index(fields=['expires_at'], name='tokens_logoutdelivery_expires'),
        ),
        migrations.AddConstraint(
            model_name='logoutdelivery',
            constraint=models.UniqueConstraint(fields=('sign_in_id', 'client'), name='tokens_logoutdelivery_once'),
        ),
        migrations.AddIndex(
            model_name='signin',
            index=models.Index(fields=['tenant', 'subject'], name='tokens_signin_subject'),
        ),
        migrations.AddIndex(
            model_name='signin',
            index=models.Index(fields=['expires_at'], name='tokens_signin_expires_at'),
        ),
        migrations.RunSQL(keep_defaults("SET"), keep_defaults("DROP")),
        migrations.RunSQL(guards(), no_guards()),
    ]
