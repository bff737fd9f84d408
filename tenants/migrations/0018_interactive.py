"""Lets people sign in: what tenants, clients, scopes and trust profiles say about it.

The defaults stay in the database, so that the release before this one goes on writing its rows.
"""

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import tenants.models.api
import tenants.models.tenant
import uuid
from django.conf import settings
from django.db import migrations, models

from tenants.database_roles import guard_table, linked_rows, own_rows, unguard_table

SALT = "uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())"
NO, YES, EMPTY, NOTHING, NONE = "false", "true", "''", "'{}'::jsonb", "'{}'"
DEFAULTS = {
    "tenants_tenant": {
        "pairwise_salt": SALT,
        "logo_uri": EMPTY,
        "accent_colour": EMPTY,
        "default_language": "'en'",
        "privacy_policy_uri": EMPTY,
        "terms_of_service_uri": EMPTY,
        "allow_password_sign_in": YES,
        "allow_email_sign_in": YES,
        "allow_passkey_sign_in": YES,
        "allow_sign_up": NO,
        "sign_in_lifetime_seconds": "43200",
        "sign_in_idle_lifetime_seconds": "7200",
        "consent_lifetime_seconds": "15552000",
        "client_registration": "'off'",
        "max_registrations_per_day": "100",
        "registered_client_idle_days": "30",
        "allow_client_metadata_documents": NO,
    },
    "tenants_client": {
        "client_uri": EMPTY,
        "logo_uri": EMPTY,
        "policy_uri": EMPTY,
        "tos_uri": EMPTY,
        "initiate_login_uri": EMPTY,
        "is_pkce_exempt": NO,
        "requires_offline_access": YES,
        "offline_lifetimes_seconds": NONE,
        "subject_type": "'public'",
        "sector_identifier": EMPTY,
        "id_token_signed_response_alg": EMPTY,
        "userinfo_signed_response_alg": EMPTY,
        "require_auth_time": NO,
        "backchannel_logout_uri": EMPTY,
        "backchannel_logout_session_required": NO,
        "on_session_limit": "'refuse'",
    },
    "tenants_scope": {"is_required": NO, "min_acr": EMPTY, "translations": NOTHING},
    "tenants_subject": {"updated_at": "now()"},
    "tenants_trustprofile": {
        "is_sign_in_offered": NO,
        "sign_in_label": EMPTY,
        "authorization_endpoint": EMPTY,
        "token_endpoint": EMPTY,
        "sign_in_client_id": EMPTY,
        "sign_in_kek_id": EMPTY,
        "sign_in_scopes": NONE,
    },
}
OWNED = (
    "tenants_initialaccesstoken",
    "tenants_clientregistration",
    "tenants_passkey",
    "tenants_subjectpassword",
)
LINKS = ("tenants_client_sign_in_profiles", "tenants_client_excluded_sign_in_profiles")
PARENTS = {"client_id": "tenants_client", "trustprofile_id": "tenants_trustprofile"}


def keep_defaults(verb):
    return [
        f"ALTER TABLE {table} ALTER COLUMN {column} {verb} DEFAULT{value}"
        for table, columns in DEFAULTS.items()
        for column, value in ((c, f" {v}" if verb == "SET" else "") for c, v in columns.items())
    ]


def guards():
    owned = [statement for table in OWNED for statement in guard_table(table, own_rows())]
    return owned + [s for table in LINKS for s in guard_table(table, linked_rows(table, PARENTS))]


def no_guards():
    return [statement for table in (*OWNED, *LINKS) for statement in unguard_table(table)]


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0017_tenant_search'),
    ]

    operations = [
        migrations.AddField(
            model_name='client',
            name='backchannel_logout_session_required',
            field=models.BooleanField(default=False, help_text="Whether the client can't do without `sid` in a logout token."),
        ),
        migrations.AddField(
            model_name='client',
            name='backchannel_logout_uri',
            field=models.URLField(blank=True, default='', help_text='Where this platform tells the client that a person signed out (https).', max_length=500),
        ),
        migrations.AddField(
            model_name='client',
            name='client_uri',
            field=models.URLField(blank=True, default='', help_text="The client's home page, shown where a person is asked for consent.", max_length=500),
        ),
        migrations.AddField(
            model_name='client',
            name='default_max_age_seconds',
            field=models.PositiveIntegerField(blank=True, help_text='How long ago a person may have signed in at most, where a request says nothing.', null=True, validators=[django.core.validators.MaxValueValidator(31536000)]),
        ),
        migrations.AddField(
            model_name='client',
            name='excluded_sign_in_profiles',
            field=models.ManyToManyField(blank=True, help_text='And which of them it never offers.', related_name='+', to='tenants.trustprofile'),
        ),
        migrations.AddField(
            model_name='client',
            name='id_token_signed_response_alg',
            field=models.CharField(blank=True, choices=[('ES256', 'ES256 (ECDSA, P-256)'), ('RS256', 'RS256 (RSA, PKCS #1)'), ('PS256', 'PS256 (RSA, PSS)'), ('EdDSA', 'EdDSA (Ed25519)')], default='', help_text='Empty: RS256, which every library expects, where the environment allows it.', max_length=8),
        ),
        migrations.AddField(
            model_name='client',
            name='initiate_login_uri',
            field=models.URLField(blank=True, default='', help_text='Where a sign-in begins that the client did not ask for (https).', max_length=500),
        ),
        migrations.AddField(
            model_name='client',
            name='is_pkce_exempt',
            field=models.BooleanField(default=False, help_text="Only for a confidential client that sends a nonce with every request and can't do PKCE (RFC 9700 section 2.1.1). An owner must switch it."),
        ),
        migrations.AddField(
            model_name='client',
            name='logo_uri',
            field=models.URLField(blank=True, default='', help_text="Its logo; fetched by this platform, never by a person's browser.", max_length=500),
        ),
        migrations.AddField(
            model_name='client',
            name='max_sessions',
            field=models.PositiveIntegerField(blank=True, help_text='How many sessions one user may have with this client. Empty: not limited.', null=True, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(1000)]),
        ),
        migrations.AddField(
            model_name='client',
            name='offline_lifetimes_seconds',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.PositiveIntegerField(validators=[django.core.validators.MinValueValidator(60), django.core.validators.MaxValueValidator(315360000)]), blank=True, default=list, help_text='Among which durations of offline access a person may choose, in seconds. Ceilings still hold. Empty: no choice.', size=6),
        ),
        migrations.AddField(
            model_name='client',
            name='on_session_limit',
            field=models.CharField(choices=[('refuse', 'refuse the new one'), ('end_oldest', 'end the oldest')], default='refuse', max_length=12),
        ),
        migrations.AddField(
            model_name='client',
            name='policy_uri',
            field=models.URLField(blank=True, default='', help_text='Its privacy policy.', max_length=500),
        ),
        migrations.AddField(
            model_name='client',
            name='require_auth_time',
            field=models.BooleanField(default=False, help_text='Always say in the ID token when the person signed in.'),
        ),
        migrations.AddField(
            model_name='client',
            name='requires_offline_access',
            field=models.BooleanField(default=True, help_text="Give people's refresh tokens only where they agreed to offline_access."),
        ),
        migrations.AddField(
            model_name='client',
            name='sector_identifier',
            field=models.CharField(blank=True, default='', help_text='Clients with the same one know a user by the same pairwise id. Empty: the host of the redirect URIs.', max_length=253, validators=[django.core.validators.RegexValidator('^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?\\Z', 'Write a host name, such as app.example.')]),
        ),
        migrations.AddField(
            model_name='client',
            name='sign_in_profiles',
            field=models.ManyToManyField(blank=True, help_text="Which identity providers the sign-in page offers to this client's users. Empty: all that are offered in the tenant.", related_name='+', to='tenants.trustprofile'),
        ),
        migrations.AddField(
            model_name='client',
            name='subject_type',
            field=models.CharField(choices=[('public', 'by the same id as all clients'), ('pairwise', 'by an id of its own (pairwise)')], default='public', max_length=8),
        ),
        migrations.AddField(
            model_name='client',
            name='tos_uri',
            field=models.URLField(blank=True, default='', help_text='Its terms of service.', max_length=500),
        ),
        migrations.AddField(
            model_name='client',
            name='userinfo_signed_response_alg',
            field=models.CharField(blank=True, choices=[('ES256', 'ES256 (ECDSA, P-256)'), ('RS256', 'RS256 (RSA, PKCS #1)'), ('PS256', 'PS256 (RSA, PSS)'), ('EdDSA', 'EdDSA (Ed25519)')], default='', help_text='Empty: userinfo answers plain JSON.', max_length=8),
        ),
        migrations.AddField(
            model_name='scope',
            name='is_required',
            field=models.BooleanField(default=False, help_text="A person who consents can't leave it out; without it nothing is granted."),
        ),
        migrations.AddField(
            model_name='scope',
            name='min_acr',
            field=models.CharField(blank=True, choices=[('urn:authplatform:acr:one-factor', 'urn:authplatform:acr:one-factor'), ('phr', 'phr')], default='', help_text='How surely a person must have been recognised for this right (RFC 9470). Empty: as they are.', max_length=64),
        ),
        migrations.AddField(
            model_name='scope',
            name='translations',
            field=models.JSONField(blank=True, default=dict, help_text='Title and description in other languages: {"de": {"title": "Profil lesen"}}.', validators=[tenants.models.api.validate_translations]),
        ),
        migrations.AddField(
            model_name='subject',
            name='updated_at',
            field=models.DateTimeField(auto_now=True),
        ),
        migrations.AddField(
            model_name='tenant',
            name='accent_colour',
            field=models.CharField(blank=True, default='', help_text='Of buttons and links, such as #0b57d0. Text on it turns black or white by contrast.', max_length=7, validators=[django.core.validators.RegexValidator('^#[0-9a-f]{6}\\Z', 'Write a colour as # and six lower-case hexadecimal digits: #0b57d0.')]),
        ),
        migrations.AddField(
            model_name='tenant',
            name='allow_client_metadata_documents',
            field=models.BooleanField(default=False, help_text="Accept an https URL as client_id, which names the client's metadata document."),
        ),
        migrations.AddField(
            model_name='tenant',
            name='allow_email_sign_in',
            field=models.BooleanField(default=True, help_text='Send a link that signs in, to a verified e-mail address.'),
        ),
        migrations.AddField(
            model_name='tenant',
            name='allow_passkey_sign_in',
            field=models.BooleanField(default=True, help_text='Let users add and use passkeys (WebAuthn). They need a host name; an IP address as base URL offers none.'),
        ),
        migrations.AddField(
            model_name='tenant',
            name='allow_password_sign_in',
            field=models.BooleanField(default=True, help_text='Let users sign in with e-mail address or name and a password.'),
        ),
        migrations.AddField(
            model_name='tenant',
            name='allow_sign_up',
            field=models.BooleanField(default=False, help_text='Let anybody make an account with a verified e-mail address.'),
        ),
        migrations.AddField(
            model_name='tenant',
            name='client_registration',
            field=models.CharField(choices=[('off', 'nobody'), ('token', 'who has an initial access token'), ('open', 'anybody')], default='off', help_text='Who may register clients at /oauth/register (RFC 7591).', max_length=8),
        ),
        migrations.AddField(
            model_name='tenant',
            name='consent_lifetime_seconds',
            field=models.PositiveIntegerField(default=15552000, help_text='How long what a user agreed to is remembered before they are asked again.', validators=[django.core.validators.MinValueValidator(60), django.core.validators.MaxValueValidator(63072000)]),
        ),
        migrations.AddField(
            model_name='tenant',
            name='default_language',
            field=models.CharField(choices=[('en', 'English'), ('de', 'Deutsch')], default='en', help_text='Spoken to whom no other language was asked for.', max_length=2),
        ),
        migrations.AddField(
            model_name='tenant',
            name='logo_uri',
            field=models.URLField(blank=True, default='', help_text='A PNG, JPEG, GIF or WebP image of at most 64 kB. This platform fetches it; browsers of end users never do.', max_length=500),
        ),
        migrations.AddField(
            model_name='tenant',
            name='max_registrations_per_day',
            field=models.PositiveIntegerField(default=100, help_text='How many clients may register in a day (UTC), of all together.', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(100000)]),
        ),
        migrations.AddField(
            model_name='tenant',
            name='privacy_policy_uri',
            field=models.URLField(blank=True, default='', max_length=500),
        ),
        migrations.AddField(
            model_name='tenant',
            name='registered_client_idle_days',
            field=models.PositiveIntegerField(default=30, help_text='A registered client that asks for no token for so long is proposed for removal, then disabled, then deleted.', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(3650)]),
        ),
        migrations.AddField(
            model_name='tenant',
            name='sign_in_idle_lifetime_seconds',
            field=models.PositiveIntegerField(default=7200, help_text='How long a user stays signed in without doing anything.', validators=[django.core.validators.MinValueValidator(60), django.core.validators.MaxValueValidator(7776000)]),
        ),
        migrations.AddField(
            model_name='tenant',
            name='sign_in_lifetime_seconds',
            field=models.PositiveIntegerField(default=43200, help_text='How long a user stays signed in in a browser, however active.', validators=[django.core.validators.MinValueValidator(60), django.core.validators.MaxValueValidator(7776000)]),
        ),
        migrations.AddField(
            model_name='tenant',
            name='terms_of_service_uri',
            field=models.URLField(blank=True, default='', max_length=500),
        ),
        migrations.AddField(
            model_name='trustprofile',
            name='authorization_endpoint',
            field=models.URLField(blank=True, default='', max_length=500),
        ),
        migrations.AddField(
            model_name='trustprofile',
            name='is_sign_in_offered',
            field=models.BooleanField(default=False, help_text='Whether people may sign in with this issuer (OpenID Connect, with code and PKCE). The audience must be the client_id below.'),
        ),
        migrations.AddField(
            model_name='trustprofile',
            name='sign_in_client_id',
            field=models.CharField(blank=True, default='', help_text='As whom this platform asks there.', max_length=255),
        ),
        migrations.AddField(
            model_name='trustprofile',
            name='sign_in_kek_id',
            field=models.CharField(blank=True, default='', editable=False, max_length=32),
        ),
        migrations.AddField(
            model_name='trustprofile',
            name='sign_in_label',
            field=models.CharField(blank=True, default='', help_text='What the button says after its verb.', max_length=100),
        ),
        migrations.AddField(
            model_name='trustprofile',
            name='sign_in_scopes',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=128), blank=True, default=list, help_text='What it asks for beside openid, such as email and profile.', size=20),
        ),
        migrations.AddField(
            model_name='trustprofile',
            name='sign_in_secret_ciphertext',
            field=models.BinaryField(null=True),
        ),
        migrations.AddField(
            model_name='trustprofile',
            name='token_endpoint',
            field=models.URLField(blank=True, default='', max_length=500),
        ),
        migrations.CreateModel(
            name='InitialAccessToken',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ('label', models.CharField(max_length=100)),
                ('is_enabled', models.BooleanField(default=True)),
                ('max_clients', models.PositiveIntegerField(default=1, help_text='How many clients may be registered by it in all.', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(100000)])),
                ('registered_clients', models.PositiveIntegerField(default=0, editable=False)),
                ('pepper_id', models.CharField(editable=False, max_length=32)),
                ('token_hash', models.BinaryField(max_length=32)),
                ('hint', models.CharField(blank=True, default='', max_length=16)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('expires_at', models.DateTimeField()),
                ('last_used_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='initial_access_tokens', to='tenants.tenant')),
            ],
            options={
                'ordering': ('tenant', 'label'),
            },
        ),
        migrations.CreateModel(
            name='ClientRegistration',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ('source', models.CharField(choices=[('registered', 'registered (RFC 7591)'), ('document', 'metadata document at its client_id')], max_length=12)),
                ('stage', models.CharField(choices=[('live', 'in use'), ('proposed', 'proposed for removal'), ('disabled', 'disabled')], default='live', max_length=8)),
                ('stage_since', models.DateTimeField()),
                ('pepper_id', models.CharField(blank=True, default='', editable=False, max_length=32)),
                ('token_hash', models.BinaryField(max_length=32, null=True)),
                ('registered_at', models.DateTimeField()),
                ('last_used_at', models.DateTimeField(help_text='When it last got a token; written in batches.')),
                ('document_fetched_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('document_expires_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('client', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='registration', to=settings.OAUTH2_PROVIDER_APPLICATION_MODEL)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='tenants.tenant')),
                ('initial_access_token', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='registrations', to='tenants.initialaccesstoken')),
            ],
            options={
                'ordering': ('tenant', 'registered_at'),
            },
        ),
        migrations.CreateModel(
            name='Passkey',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ('credential_id', models.BinaryField(max_length=1023)),
                ('public_key', models.BinaryField(max_length=2048)),
                ('signature_count', models.PositiveBigIntegerField(default=0, editable=False)),
                ('transports', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=32), blank=True, default=list, size=10)),
                ('label', models.CharField(max_length=100)),
                ('is_backed_up', models.BooleanField(default=False, help_text='Whether it is synchronised, and so survives its device.')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('last_used_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('subject', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='passkeys', to='tenants.subject')),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='tenants.tenant')),
            ],
            options={
                'ordering': ('tenant', 'subject', 'created_at'),
            },
        ),
        migrations.CreateModel(
            name='SubjectPassword',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ('password_hash', models.CharField(editable=False, max_length=255)),
                ('changed_at', models.DateTimeField()),
                ('subject', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='password', to='tenants.subject')),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='tenants.tenant')),
            ],
            options={
                'ordering': ('tenant', 'subject'),
            },
        ),
        migrations.AddConstraint(
            model_name='initialaccesstoken',
            constraint=models.UniqueConstraint(fields=('tenant', 'label'), name='tenants_initialaccesstoken_label'),
        ),
        migrations.AddIndex(
            model_name='clientregistration',
            index=models.Index(fields=['tenant', 'registered_at'], name='tenants_registration_day'),
        ),
        migrations.AddIndex(
            model_name='clientregistration',
            index=models.Index(fields=['stage', 'last_used_at'], name='tenants_registration_idle'),
        ),
        migrations.AddConstraint(
            model_name='passkey',
            constraint=models.UniqueConstraint(fields=('tenant', 'credential_id'), name='tenants_passkey_credential_id'),
        ),
        migrations.AddField(
            model_name="tenant",
            name="pairwise_salt",
            field=models.BinaryField(
                default=tenants.models.tenant.make_salt,
                editable=False,
                help_text="By which pairwise ids are made (OpenID Connect Core section 8.1).",
                max_length=32,
            ),
        ),
        migrations.RunSQL(f"UPDATE tenants_tenant SET pairwise_salt = {SALT}", ""),
        migrations.RunSQL(keep_defaults("SET"), keep_defaults("DROP")),
        migrations.RunSQL(guards(), no_guards()),
    ]
