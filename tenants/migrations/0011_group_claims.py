"""Lets a client choose how its users' groups are told."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0010_limited_jwt'),
    ]

    operations = [
        migrations.AddField(
            model_name='client',
            name='group_claims',
            field=models.CharField(blank=True, choices=[('none', 'not at all'), ('rfc9068', 'groups and entitlements (RFC 9068)'), ('group_permissions', 'group_permissions (OneWelcome, version 1)'), ('group_policies', 'group_policies (OneWelcome, version 2)')], default='', help_text='How tokens tell the groups of its users. Empty: as the claim profile does.', max_length=24),
        ),
    ]
