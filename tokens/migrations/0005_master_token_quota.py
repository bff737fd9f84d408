"""Counts what public master tokens make, and finds the tokens of a subject by an index."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from tenants.database_roles import guard_table, own_rows, unguard_table


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0007_master_tokens_and_subjects'),
        ('tokens', '0004_refusals'),
        migrations.swappable_dependency(settings.OAUTH2_PROVIDER_APPLICATION_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='MasterTokenQuota',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('day', models.DateField()),
                ('address', models.CharField(blank=True, default='', max_length=49)),
                ('count', models.PositiveIntegerField()),
            ],
            options={
                'ordering': ('-day', 'master_token', 'address'),
            },
        ),
        migrations.AddIndex(
            model_name='accesstoken',
            index=models.Index(condition=models.Q(('subject__isnull', False)), fields=['tenant', 'subject', '-id'], name='tokens_accesstoken_subject'),
        ),
        migrations.AddField(
            model_name='mastertokenquota',
            name='master_token',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='tenants.mastertoken'),
        ),
        migrations.AddField(
            model_name='mastertokenquota',
            name='tenant',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='tenants.tenant'),
        ),
        migrations.AddIndex(
            model_name='mastertokenquota',
            index=models.Index(fields=['day'], name='tokens_mastertokenquota_day'),
        ),
        migrations.AddIndex(
            model_name='mastertokenquota',
            index=models.Index(fields=['tenant'], name='tokens_mastertokenquota_tenant'),
        ),
        migrations.AddConstraint(
            model_name='mastertokenquota',
            constraint=models.UniqueConstraint(fields=('master_token', 'day', 'address'), name='tokens_mastertokenquota_once'),
        ),
        migrations.RunSQL(
            guard_table("tokens_mastertokenquota", own_rows()),
            unguard_table("tokens_mastertokenquota"),
        ),
    ]
