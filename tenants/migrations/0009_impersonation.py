"""Lets clients act for subjects of their applications, within filters."""

import django.contrib.postgres.fields
import django.core.validators
import tenants.models.fields
from django.db import migrations, models

from tenants.database_roles import guard_table, linked_rows, unguard_table

LINKS = "tenants_client_impersonation_scopes"
PARENTS = {"client_id": "tenants_client", "scope_id": "tenants_scope"}


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0008_user_scopes'),
    ]

    operations = [
        migrations.AddField(
            model_name='client',
            name='impersonated_subjects',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=255, validators=[tenants.models.fields.validate_pattern]), blank=True, default=list, help_text='Patterns (RE2) of which one must match the whole app_subject_id. Empty: nobody.', size=100),
        ),
        migrations.AddField(
            model_name='client',
            name='impersonated_tenants',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=255, validators=[tenants.models.fields.validate_pattern]), blank=True, default=list, help_text='Patterns (RE2) of which one must match the whole app_tenant_id; where that may be left out, one must match the empty text. Empty: nobody.', size=100),
        ),
        migrations.AddField(
            model_name='client',
            name='impersonation_scopes',
            field=models.ManyToManyField(blank=True, help_text="Those of its scopes that a token in another's name may have. Empty: none.", related_name='impersonating_clients', to='tenants.scope'),
        ),
        migrations.AddField(
            model_name='client',
            name='max_impersonated_token_lifetime_seconds',
            field=models.PositiveIntegerField(blank=True, help_text="No token in another's name lives longer. Empty: as long as the client's own.", null=True, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(2592000)]),
        ),
        migrations.AddField(
            model_name='client',
            name='may_impersonate',
            field=models.BooleanField(default=False, help_text="Whether it may ask for tokens in the name of its application's own subjects, by app_tenant_id and app_subject_id with client_credentials."),
        ),
        migrations.RunSQL(guard_table(LINKS, linked_rows(LINKS, PARENTS)), unguard_table(LINKS)),
    ]
