"""Every Django setting of the platform; docs/settings.md says what each one does."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from authplatform import database_url, logs, mail_server
from authplatform.env import Stage, read_environment

ENVIRONMENT = read_environment()
BASE_DIR = Path(__file__).resolve().parent.parent
IS_PRODUCTION = ENVIRONMENT.stage is Stage.PRODUCTION

# The platform's own settings.
AUTHPLATFORM_STAGE = ENVIRONMENT.stage.value
AUTHPLATFORM_DATA_DIRECTORY = ENVIRONMENT.data_directory
AUTHPLATFORM_DEMO_FILE = ENVIRONMENT.data_directory / "demo.env"
AUTHPLATFORM_DEMO_PROVIDER_URL = ENVIRONMENT.demo_provider_url
AUTHPLATFORM_ADMIN_BASE_URL = ENVIRONMENT.admin_base_url
AUTHPLATFORM_TRUSTED_PROXIES = list(ENVIRONMENT.trusted_proxies)
AUTHPLATFORM_OPERATIONS_ADDRESSES = list(ENVIRONMENT.operations_addresses)
AUTHPLATFORM_OPERATIONS_TOKEN = ENVIRONMENT.operations_token
AUTHPLATFORM_ACCESS_LOG = ENVIRONMENT.access_log
AUTHPLATFORM_LEAN_ADAPTER = ENVIRONMENT.lean_adapter
AUTHPLATFORM_METRICS_DIRECTORY = ENVIRONMENT.metrics_directory
AUTHPLATFORM_TRACES_ENDPOINT = ENVIRONMENT.traces_endpoint
AUTHPLATFORM_TASK_TIME_LIMIT_SECONDS = 240
AUTHPLATFORM_TASK_VISIBILITY_TIMEOUT_SECONDS = 300
TENANTS_BASE_URL = ENVIRONMENT.base_url
TENANTS_TOKEN_PEPPERS = ENVIRONMENT.token_peppers
TENANTS_KEY_ENCRYPTION_KEYS = ENVIRONMENT.key_encryption_keys
TENANTS_OUTGOING_PRIVATE_ADDRESSES = list(ENVIRONMENT.outgoing_private_addresses)
TENANTS_OUTGOING_CA_FILE = ENVIRONMENT.outgoing_ca_file
TENANTS_OUTGOING_TIMEOUT_SECONDS = 5.0
TENANTS_OUTGOING_MAX_BYTES = 65536
TENANTS_SNAPSHOT_MAX_AGE_SECONDS = 1.0
TENANTS_SNAPSHOT_MAX_TENANTS = 2_000
TENANTS_SNAPSHOT_MAX_CLIENTS = 20_000
TOKENS_CLAIMS_HOOK = ENVIRONMENT.claims_hook
TOKENS_REFRESH_GRACE_SECONDS = 10
TOKENS_KEY_ROTATION_SECONDS = 30 * 86_400
TOKENS_REFUSAL_TRACES_PER_MINUTE = 5
TOKENS_REFUSAL_TRACES_PER_SECOND = 20
TOKENS_FAILURES_BEFORE_DELAY = 5
TOKENS_FAILURE_MAX_DELAY_SECONDS = 600
TOKENS_SIGN_INS_PER_MINUTE = 30
TOKENS_LIMITS_REDIS_URL = ENVIRONMENT.redis_url

# Core.
SECRET_KEY = ENVIRONMENT.secret_key
DEBUG = False
ROOT_URLCONF = "authplatform.urls"
WSGI_APPLICATION = "authplatform.wsgi.application"
ALLOWED_HOSTS = sorted(
    {urlsplit(url).hostname or "" for url in (TENANTS_BASE_URL, AUTHPLATFORM_ADMIN_BASE_URL)}
    | (set() if IS_PRODUCTION else {"localhost", "127.0.0.1", "[::1]"})
)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "tenants.User"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]  # Of end users' pages; the admin is English.
LOCALE_PATHS = [BASE_DIR / "tokens" / "locale"]
USE_I18N = True
DATE_FORMAT = "Y-m-d"
DATETIME_FORMAT = "Y-m-d H:i:s T"  # With seconds and zone: the admin shows records.
APPEND_SLASH = False
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_048_576
INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",  # The plain "unfold" would replace our admin site.
    "tenants.apps.PlatformAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "oauth2_provider",
    "rest_framework",
    "drf_spectacular",
    "tenants.apps.TenantsConfig",
    "tokens.apps.TokensConfig",
    "authplatform.apps.AuthplatformConfig",
]
MIDDLEWARE = [
    "authplatform.middleware.RequestId",
    "authplatform.middleware.ClientAddress",
    "authplatform.middleware.AdminHost",
    "authplatform.middleware.SecurityHeaders",
    "authplatform.admin_middleware.StaticFiles",
    "authplatform.admin_middleware.AdminSessions",
    "authplatform.admin_middleware.AdminCsrf",
    "authplatform.admin_middleware.AdminAuthentication",
    "authplatform.admin_middleware.AdminMessages",
    "tenants.middleware.ConsoleRole",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# Database. Whoever works with no role (migrations, commands) works as the owner.
DATABASES = {
    "default": database_url.read_url(
        ENVIRONMENT.database_url if ENVIRONMENT.database_role else ENVIRONMENT.database_owner_url,
        role=ENVIRONMENT.database_role,
    ),
    "owner": database_url.read_url(ENVIRONMENT.database_owner_url)
    | {"TEST": {"MIRROR": "default"}},
}
MIGRATION_MODULES = {"oauth2_provider": None}  # No table of django-oauth-toolkit is used.

# Shared cache.
AUTHPLATFORM_CACHE_TABLE = "" if ENVIRONMENT.redis_url else "authplatform_cache"
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": ENVIRONMENT.redis_url,
    }
    if ENVIRONMENT.redis_url
    else {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": AUTHPLATFORM_CACHE_TABLE,
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}

# Sign-in of operators. The names can't be set from an insecure page of the same host.
_SECURE = urlsplit(AUTHPLATFORM_ADMIN_BASE_URL).scheme == "https"
_PREFIX = "__Secure-" if _SECURE else ""
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
SESSION_COOKIE_NAME = f"{_PREFIX}authplatform-admin"
SESSION_COOKIE_PATH = "/admin"
SESSION_COOKIE_SECURE = _SECURE
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Strict"
SESSION_COOKIE_AGE = 8 * 3600
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
CSRF_COOKIE_NAME = f"{_PREFIX}authplatform-csrf"
CSRF_COOKIE_SECURE = _SECURE
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Strict"
CSRF_TRUSTED_ORIGINS = sorted(
    f"{parts.scheme}://{parts.netloc}"
    for parts in {urlsplit(TENANTS_BASE_URL), urlsplit(AUTHPLATFORM_ADMIN_BASE_URL)}
)
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
LOGIN_URL = "admin:login"

# Static files come from the applications themselves: nothing to collect before a start.
STATIC_URL = "/static/"
STATIC_ROOT = None
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False

# Mail.
EMAIL_BACKEND = (
    "django.core.mail.backends.smtp.EmailBackend"
    if IS_PRODUCTION
    else "django.core.mail.backends.filebased.EmailBackend"
)
EMAIL_FILE_PATH = str(ENVIRONMENT.data_directory / "mail")
DEFAULT_FROM_EMAIL = ENVIRONMENT.mail_from
_MAIL_SERVER = mail_server.read_url(ENVIRONMENT.smtp_url)
EMAIL_HOST = _MAIL_SERVER.host
EMAIL_PORT = _MAIL_SERVER.port
EMAIL_HOST_USER = _MAIL_SERVER.user
EMAIL_HOST_PASSWORD = _MAIL_SERVER.password
EMAIL_USE_TLS = _MAIL_SERVER.uses_starttls
EMAIL_USE_SSL = _MAIL_SERVER.uses_tls
EMAIL_TIMEOUT = 20

# Task queue: PostgreSQL itself, unless a broker is named.
AUTHPLATFORM_IS_QUEUE_IN_DATABASE = not ENVIRONMENT.celery_broker_url
# The connection string below says where; Kombu only warns where its URL names no host.
CELERY_BROKER_URL = ENVIRONMENT.celery_broker_url or "pgmq://localhost"
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, object] = {
    "visibility_timeout": AUTHPLATFORM_TASK_VISIBILITY_TIMEOUT_SECONDS,
}
if AUTHPLATFORM_IS_QUEUE_IN_DATABASE:
    CELERY_BROKER_TRANSPORT_OPTIONS |= {
        "conn_string": database_url.write_connection_string(
            ENVIRONMENT.database_url, role=ENVIRONMENT.database_role
        ),
        "init_extension": False,
        "use_notify": True,
        "wait_time_seconds": 0,
        "polling_interval": 5,
        "pool_size": 2,
    }
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_TIME_LIMIT = AUTHPLATFORM_TASK_TIME_LIMIT_SECONDS
CELERY_TASK_SOFT_TIME_LIMIT = AUTHPLATFORM_TASK_TIME_LIMIT_SECONDS - 30
CELERY_WORKER_PREFETCH_MULTIPLIER = 4
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False  # It leaves a queue behind at each start.
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"

# Libraries.
OAUTH2_PROVIDER_APPLICATION_MODEL = "tenants.Client"
OAUTH2_PROVIDER_ACCESS_TOKEN_MODEL = "tokens.AccessToken"  # noqa: S105 - a model.
OAUTH2_PROVIDER_REFRESH_TOKEN_MODEL = "tokens.RefreshToken"  # noqa: S105 - a model.
OAUTH2_PROVIDER_ID_TOKEN_MODEL = "tokens.AccessToken"  # noqa: S105 - a model.
OAUTH2_PROVIDER_GRANT_MODEL = "tokens.AuthorizationCode"
OAUTH2_PROVIDER_DEVICE_GRANT_MODEL = "tokens.DeviceCode"
OAUTH2_PROVIDER = {
    "PKCE_REQUIRED": True,
    "ALLOWED_REDIRECT_URI_SCHEMES": ["http", "https"],
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "COMPLIANT_BCP_RFC9700_IMPLICIT_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PASSWORD_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PKCE_METHOD": True,
    "COMPLIANT_BCP_RFC9700_ACCESS_TOKEN_TRANSPORT": True,
    "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": True,
    "COMPLIANT_BCP_RFC9700_TOKEN_STORAGE": True,
}
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["tokens.api.authentication.ManagementToken"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["tenants.api.parsing.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "tenants.api.error_handler.answer_error",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,  # `?format=` would be one more way to ask for what there is not.
}
SPECTACULAR_SETTINGS = {
    "TITLE": "authplatform management API",
    "DESCRIPTION": "Manages clients, policies, users and groups of one tenant; see docs/api.md.",
    "VERSION": "1",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "ClientKind": "tenants.models.Client.Kind",
        "GrantType": "tenants.models.fields.GrantTypeChoice",
        "MasterTokenKind": "tenants.models.MasterToken.Kind",
        "AuthenticationMethod": "tenants.models.Client.AuthenticationMethod",
        "TokenFormat": "tenants.models.fields.TokenFormat",
        "SignatureAlgorithm": "tenants.api.interactive_document.ALGORITHMS",
        "PolicyEffect": "tenants.models.access_policy.AccessPolicy.Effect",
        "PolicyEngine": "tenants.models.access_policy.AccessPolicy.Engine",
        "PolicyMode": "tenants.models.access_policy.AccessPolicy.Mode",
        "PolicyOperation": "tenants.models.access_policy.OperationChoice",
    },
    "PREPROCESSING_HOOKS": ["tenants.api.openapi.keep_own_paths"],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
}
UNFOLD = {
    "SITE_TITLE": "authplatform",
    "SITE_HEADER": "authplatform",
    "LOGIN": {"form": "authplatform.sign_in.SignInForm"},
}

# Logging.
LOGGING = logs.configure()

SILENCED_SYSTEM_CHECKS = [
    "security.W001",  # SecurityHeaders sets what SecurityMiddleware would, without its redirect.
    "security.W002",  # SecurityHeaders sets X-Frame-Options and frame-ancestors.
    "security.W003",  # AdminCsrf is Django's middleware, applied to the admin's paths only.
    "oauth2_provider.W008",  # RFC 8252 section 7.3: native apps get http redirects to loopback.
]
if not _SECURE:
    SILENCED_SYSTEM_CHECKS += [
        "security.W012",  # A fresh machine has no certificate; E005 refuses http in production.
        "security.W016",  # The same.
    ]
