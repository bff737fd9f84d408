"""Keeps what is known of outside tokens that were accepted directly."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

from tenants.database_roles import guard_table, own_rows, unguard_table


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0012_trust_and_claim_rules'),
        ('tokens', '0008_usage_counter'),
    ]

    operations = [
        migrations.CreateModel(
            name='ForeignToken',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('token_hash', models.BinaryField(help_text='Digest of its jti, or of its signing input where it has none.', max_length=32)),
                ('content_hash', models.BinaryField(help_text='Digest of its signing input: another one is another token.', max_length=32)),
                ('api_ids', django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), size=None)),
                ('scopes', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=128), size=None)),
                ('issued_at', models.DateTimeField(help_text="The outside token's own iat.")),
                ('expires_at', models.DateTimeField(help_text='When it stops working here.')),
                ('accepted_at', models.DateTimeField()),
                ('cut_off_number', models.BigIntegerField(help_text="The newest cut-off's number when it was first accepted.")),
                ('revoked_at', models.DateTimeField(null=True)),
                ('subject', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='tenants.subject')),
                ('tenant', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='tenants.tenant')),
                ('trust_profile', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='tenants.trustprofile')),
            ],
            options={
                'ordering': ('-id',),
                'indexes': [models.Index(fields=['tenant', '-id'], name='tokens_foreigntoken_tenant'), models.Index(fields=['tenant', 'subject', '-id'], name='tokens_foreigntoken_subject'), models.Index(fields=['expires_at'], name='tokens_foreigntoken_expires_at')],
                'constraints': [models.UniqueConstraint(fields=('token_hash', 'tenant', 'trust_profile'), name='tokens_foreigntoken_hash')],
            },
        ),
        migrations.RunSQL(
            guard_table("tokens_foreigntoken", own_rows()), unguard_table("tokens_foreigntoken")
        ),
    ]
