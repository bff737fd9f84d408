"""Every URL of the platform; each application lists its own."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from authplatform import failover, health

urlpatterns = [
    path("", include("tokens.urls")),
    path("admin/", admin.site.urls),
    path("api/v1/", include("tenants.urls")),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics_text, name="metrics"),
]

handler500 = failover.answer_server_error
