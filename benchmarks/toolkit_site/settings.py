"""The smallest settings with which django-oauth-toolkit serves tokens."""

import os

from authplatform import database_url

SECRET_KEY = os.environ["SECRET_KEY"]
ROOT_URLCONF = "benchmarks.toolkit_site.urls"
ALLOWED_HOSTS = ["127.0.0.1"]
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "oauth2_provider"]
MIDDLEWARE: list[str] = []
DATABASES = {"default": database_url.read_url(os.environ["DATABASE_URL"])}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
OAUTH2_PROVIDER = {
    "SCOPES": {"read": "Read", "introspection": "Introspect"},
    "DEFAULT_SCOPES": ["read"],
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
}
