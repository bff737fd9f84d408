"""The list of sessions and tokens: where support finds one and ends it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_POST
from unfold.widgets import UnfoldAdminTextInputWidget

from tenants.admin import permissions
from tenants.admin.history import name_actors
from tenants.admin.requests import actor_of, parse_uuid
from tenants.audit import MAX_REASON_LENGTH
from tenants.models import AuditEvent, Client, Subject, Tenant
from tenants.queries.operators import reach_of, scope
from tokens import sessions
from tokens.admin import grant_pages, grant_rows, grant_search
from tokens.admin.grant_rows import GrantFilter, GrantRow

if TYPE_CHECKING:
    from collections.abc import Collection

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase
