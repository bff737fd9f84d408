"""The Django applications of the tenants package."""

import django.contrib.admin.apps as admin_apps
from django.apps import AppConfig


class TenantsConfig(AppConfig):
    """Registers the models of what exists and what is allowed."""

    default = True
    name = "tenants"
    verbose_name = "Tenants"

    def ready(self) -> None:
        """Register the system checks."""
        from tenants import checks  # noqa: F401, PLC0415 - registered once the models are loaded.


class PlatformAdminConfig(admin_apps.AdminConfig):
    """Replaces Django's admin site by the platform's own."""

    default = False
    default_site = "tenants.admin_site.PlatformAdminSite"
