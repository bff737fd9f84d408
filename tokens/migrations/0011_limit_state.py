"""Keeps what the web processes share of the limits against abuse, in a table without a log."""

import django.db.models.deletion
from django.db import migrations, models

from tenants.database_roles import guard_table, own_rows, unguard_table

# Losing the rows in a crash costs nothing but a fresh start; writing them twice would cost time.
UNLOGGED = "ALTER TABLE tokens_limitstate SET UNLOGGED"
LOGGED = "ALTER TABLE tokens_limitstate SET LOGGED"


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0009_impersonation'),
        ('tokens', '0010_actor_tokens'),
    ]

    operations = [
        migrations.CreateModel(
            name='LimitState',
            fields=[
                ('id', models.UUIDField(help_text='A digest of all that names the row.', primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('client', 'requests of a client'), ('address', 'requests from an address'), ('failures', 'failed authentications'), ('sign_in', 'failed sign-ins of an operator'), ('sign_in_address', 'sign-ins of operators from an address')], max_length=16)),
                ('name', models.CharField(help_text='The client_id, or the digest of a token.', max_length=255)),
                ('address', models.CharField(help_text='An address, or an IPv6 network.', max_length=64)),
                ('spent_until', models.FloatField(help_text='When all that was leased will have been earned, in seconds since the epoch.')),
                ('granted', models.PositiveIntegerField(help_text='How many requests the last lease has.')),
                ('failures', models.PositiveIntegerField()),
                ('limited_until', models.DateTimeField(help_text='When the request that was refused last would have passed.', null=True)),
                ('expires_at', models.DateTimeField(help_text='From then on the row says nothing any more.')),
                ('tenant', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='tenants.tenant')),
            ],
            options={
                'ordering': ('-limited_until',),
                'indexes': [models.Index(fields=['tenant', '-limited_until'], name='tokens_limitstate_limited'), models.Index(fields=['expires_at'], name='tokens_limitstate_expires')],
            },
        ),
        migrations.RunSQL(UNLOGGED, LOGGED),
        migrations.RunSQL(
            guard_table("tokens_limitstate", own_rows()), unguard_table("tokens_limitstate")
        ),
    ]
