"""Widens trust profiles, workload clients and claim rules."""

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

from tenants.database_roles import guard_table, linked_rows, unguard_table

LINKS = "tenants_trustprofile_direct_apis"
PARENTS = {"trustprofile_id": "tenants_trustprofile", "api_id": "tenants_api"}


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0011_group_claims'),
    ]

    operations = [
        migrations.AddField(
            model_name='claimprofile',
            name='group_claims_budget_bytes',
            field=models.PositiveIntegerField(blank=True, help_text='Group claims that take more are left out of a JWT, with a marker. Empty: as the base.', null=True, validators=[django.core.validators.MaxValueValidator(65536)]),
        ),
        migrations.AddField(
            model_name='claimrule',
            name='condition',
            field=models.JSONField(blank=True, default=dict, help_text='A pattern (as in the policy engine match) over what the rule may read. Empty: always.'),
        ),
        migrations.AddField(
            model_name='claimrule',
            name='is_required',
            field=models.BooleanField(default=False, help_text='Whether a token is refused where the value is absent.'),
        ),
        migrations.AddField(
            model_name='claimrule',
            name='source',
            field=models.CharField(choices=[('constant', 'the value as it stands'), ('template', 'a text with ${name} in it'), ('record', 'a field of the token record'), ('subject_attribute', 'an attribute of the subject'), ('foreign_claim', 'a verified claim of the outside token')], default='constant', max_length=20),
        ),
        migrations.AddField(
            model_name='client',
            name='workload_claims',
            field=models.JSONField(blank=True, default=dict, help_text="A pattern (as in the policy engine match) that the token's claims must contain besides."),
        ),
        migrations.AddField(
            model_name='client',
            name='workload_subject',
            field=models.CharField(blank=True, default='', help_text='The exact subject of such a token, such as repo:octo-org/octo-repo:environment:production.', max_length=255),
        ),
        migrations.AddField(
            model_name='client',
            name='workload_trust_profile',
            field=models.ForeignKey(blank=True, help_text='Whose tokens prove this client; for workload_identity only.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='workload_clients', to='tenants.trustprofile'),
        ),
        migrations.AddField(
            model_name='trustprofile',
            name='direct_apis',
            field=models.ManyToManyField(blank=True, help_text='Whose resource servers may introspect a token that is accepted directly.', related_name='+', to='tenants.api'),
        ),
        migrations.AddField(
            model_name='trustprofile',
            name='introspection_client_id',
            field=models.CharField(blank=True, default='', help_text='As whom this platform asks there.', max_length=255),
        ),
        migrations.AddField(
            model_name='trustprofile',
            name='introspection_endpoint',
            field=models.URLField(blank=True, default='', help_text='Where an opaque token is asked about (RFC 7662). Opaque profiles only.', max_length=500),
        ),
        migrations.AddField(
            model_name='trustprofile',
            name='introspection_kek_id',
            field=models.CharField(blank=True, default='', editable=False, max_length=32),
        ),
        migrations.AddField(
            model_name='trustprofile',
            name='introspection_secret_ciphertext',
            field=models.BinaryField(null=True),
        ),
        migrations.AddField(
            model_name='trustprofile',
            name='is_accepted_directly',
            field=models.BooleanField(default=False, help_text="Whether the issuer's own tokens work at the linked Apis, without an exchange."),
        ),
        migrations.AddField(
            model_name='trustprofile',
            name='kind',
            field=models.CharField(choices=[('jwt', 'signed (JWT)'), ('opaque', "opaque, asked about at the issuer's introspection endpoint")], default='jwt', max_length=8),
        ),
        migrations.AddField(
            model_name='trustprofile',
            name='linking_claim',
            field=models.CharField(blank=True, default='', help_text='A claim, such as email, by which a subject that exists already is linked at first sight. Empty: never.', max_length=64),
        ),
        migrations.AddField(
            model_name='trustprofile',
            name='linking_verified_claim',
            field=models.CharField(blank=True, default='', help_text='The claim that must be true for it, such as email_verified.', max_length=64),
        ),
        migrations.AddField(
            model_name='trustprofile',
            name='max_subjects_per_day',
            field=models.PositiveIntegerField(default=10000, help_text='How many subjects this issuer may create in a day.', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(1000000)]),
        ),
        migrations.AddField(
            model_name='trustprofile',
            name='maximum_lifetime_seconds',
            field=models.PositiveIntegerField(blank=True, help_text='How long after its `iat` a token may expire at most. Empty: not limited.', null=True, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(31536000)]),
        ),
        migrations.AddField(
            model_name='trustprofile',
            name='required_claims',
            field=models.JSONField(blank=True, default=dict, help_text="A pattern (as in the policy engine match) that the token's claims must contain."),
        ),
        migrations.AddField(
            model_name='trustprofile',
            name='scope_mapping',
            field=models.JSONField(blank=True, default=dict, help_text='From the issuer\'s scope names to lists of ours, such as {"plan": ["read:accounts"]}. Empty: the names are the same.'),
        ),
        migrations.AddField(
            model_name='trustprofile',
            name='token_prefix',
            field=models.CharField(blank=True, default='', help_text='Only tokens that begin with this are sent to the introspection endpoint. Opaque profiles need one.', max_length=64),
        ),
        migrations.AlterField(
            model_name='claimrule',
            name='value',
            field=models.JSONField(help_text='The value, as JSON: any for a constant, a text with ${name} for a template, otherwise the name of what is read.'),
        ),
        migrations.AlterField(
            model_name='client',
            name='token_endpoint_auth_method',
            field=models.CharField(choices=[('client_secret_basic', 'secret, HTTP Basic'), ('client_secret_post', 'secret, request body'), ('private_key_jwt', 'signed assertion'), ('workload_identity', 'token of a trusted outside issuer'), ('none', 'none (public client)')], default='client_secret_basic', help_text='A client with a secret may send it either way unless the tenant is strict.', max_length=32),
        ),
        migrations.RunSQL(guard_table(LINKS, linked_rows(LINKS, PARENTS)), unguard_table(LINKS)),
    ]
