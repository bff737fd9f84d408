"""Counts the uses of tokens of limited use."""

import django.db.models.deletion
from django.db import migrations, models

from tenants.database_roles import guard_table, own_rows, unguard_table


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0009_impersonation'),
        ('tokens', '0007_derived_tokens'),
    ]

    operations = [
        migrations.AddField(
            model_name='accesstoken',
            name='usage_limit',
            field=models.PositiveIntegerField(help_text='How often resource servers may ask about it; null where that is not limited.', null=True),
        ),
        migrations.CreateModel(
            name='UsageCounter',
            fields=[
                ('id', models.UUIDField(help_text="The token's own id.", primary_key=True, serialize=False)),
                ('count', models.PositiveIntegerField()),
                ('expires_at', models.DateTimeField(help_text='When the token expires.')),
                ('tenant', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='tenants.tenant')),
            ],
            options={
                'ordering': ('-expires_at',),
                'indexes': [models.Index(fields=['tenant'], name='tokens_usagecounter_tenant'), models.Index(fields=['expires_at'], name='tokens_usagecounter_expires')],
            },
        ),
        migrations.RunSQL(
            guard_table("tokens_usagecounter", own_rows()), unguard_table("tokens_usagecounter")
        ),
    ]
