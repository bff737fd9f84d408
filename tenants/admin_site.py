"""The admin site, and the ways in which other applications add tabs and pages to it.

It sits in a low layer and imports no models: they are named by their labels.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import wraps
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import UUID

from django.apps import apps
from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.core.exceptions import FieldError
from django.http import HttpResponseBadRequest, HttpResponseNotFound
from django.templatetags.static import static
from django.urls import path, reverse
from unfold.dataclasses import Favicon
from unfold.sites import UnfoldAdminSite

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from django.contrib.admin import ModelAdmin
    from django.db.models import Model, QuerySet
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase
    from django.urls import URLPattern

View: TypeAlias = "Callable[..., HttpResponseBase]"
# Their classes show fields that our models don't have, or rights that we don't use.
FOREIGN_ADMINS = frozenset(("oauth2_provider.admin", "django.contrib.auth.admin"))


@dataclass(frozen=True, slots=True)
class Tab:
    """A page about one entity, shown as a tab beside its form."""

    title: str
    link: Callable[[str], str]
    is_allowed: Callable[[HttpRequest], bool]


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the navigation that belongs to no single model, with the URLs below it."""

    title: str
    icon: str
    group: str
    view_name: str
    is_allowed: Callable[[HttpRequest], bool]
    routes: Sequence[tuple[str, View, str]]


# The nouns in the order of a tenant admin's work; each with its icon.
NAVIGATION: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    ("Support", ()),
    (
        "Tenant",
        (
            ("tenants.Tenant", "domain"),
            ("tenants.Client", "deployed_code"),
            ("tenants.Api", "api"),
            ("tenants.Scope", "key_vertical"),
            ("tenants.AccessPolicy", "rule"),
            ("tenants.TrustProfile", "handshake"),
            ("tenants.MasterToken", "vpn_key"),
            ("tenants.InitialAccessToken", "app_registration"),
            ("tenants.ClientRegistration", "how_to_reg"),
        ),
    ),
    (
        "End users",
        (
            ("tenants.Subject", "person"),
            ("tenants.Group", "group"),
        ),
    ),
    (
        "Tokens",
        (
            ("tenants.ClaimProfile", "description"),
            ("tenants.ClaimRule", "add_notes"),
            ("tenants.SigningKey", "draw"),
            ("tenants.CutOff", "content_cut"),
        ),
    ),
    (
        "Record",
        (
            ("tenants.AuditEvent", "policy"),
            ("tenants.ConfigurationChange", "history"),
        ),
    ),
    (
        "Operators",
        (
            ("tenants.Membership", "badge"),
            ("tenants.User", "manage_accounts"),
        ),
    ),
    (
        "Platform",
        (
            ("tenants.Project", "category"),
            ("tenants.Environment", "layers"),
            ("tenants.Platform", "tune"),
            ("tenants.IssuerReservation", "bookmark"),
            ("tenants.Offboarding", "logout"),
        ),
    ),
)

# Where the model's own name is another application's.
TITLES = {"tenants.User": "Operators", "tenants.CutOff": "Cut-offs", "tenants.Api": "APIs"}


class TenantAutocomplete(AutocompleteJsonView):
    """Answers the searches of choice fields, in the tenant whose entity is edited."""

    def get_queryset(self) -> QuerySet[Any]:
        """Find what the operator may see and, if the form says so, what is of its tenant."""
        rows = super().get_queryset()
        tenant = self.request.GET.get("tenant", "")
        if not tenant:
            return rows
        try:
            return rows.filter(tenant=UUID(tenant))
        except (ValueError, FieldError):
            return rows.none()


class PlatformAdminSite(UnfoldAdminSite):  # type: ignore[misc]  # the theme has no types.
    """The admin: one navigation by noun, and only what the operator's role may see."""

    site_title = "authplatform"
    site_header = "authplatform"
    index_title = "Home"
    index_template = "console/home.html"
    enable_nav_sidebar = True

    def __init__(self, name: str = "admin") -> None:
        """Start without tabs and pages; the applications add theirs while they load."""
        super().__init__(name)
        self._tabs: dict[str, list[Tab]] = defaultdict(list)
        self._pages: list[Page] = []

    def register(
        self,
        model_or_iterable: Any,  # noqa: ANN401 - Django's signature: a model or several.
        admin_class: type[ModelAdmin[Any]] | None = None,
        **options: Any,  # noqa: ANN401 - Django's signature.
    ) -> None:
        """Register a model, except by the admin classes of other applications."""
        if admin_class is not None and admin_class.__module__ in FOREIGN_ADMINS:
            return
        super().register(model_or_iterable, admin_class, **options)

    def register_tab(self, model: type[Model] | str, tab: Tab) -> None:
        """Show a tab beside the form of every entity of this model."""
        label = model if isinstance(model, str) else model._meta.label  # noqa: SLF001 - public API.
        self._tabs[label.lower()].append(tab)

    def register_page(self, page: Page) -> None:
        """Add a page to the navigation and its URLs to the site."""
        self._pages.append(page)

    def get_urls(self) -> list[URLPattern]:
        """List the site's URLs; the pages stand before the models, whose patterns are wider."""
        routes = [
            path(route, self.admin_view(view), name=name)
            for page in self._pages
            for route, view, name in page.routes
        ]
        return [*routes, *super().get_urls()]

    def admin_view(self, view: View, cacheable: bool = False) -> View:  # noqa: FBT001, FBT002 - Django's signature.
        """Wrap a view: a NUL in the address is a bad request, as PostgreSQL can't compare it."""
        inner = super().admin_view(view, cacheable)

        @wraps(inner)
        def checked(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
            if "\x00" in request.path_info or "%00" in request.META.get("QUERY_STRING", ""):
                return HttpResponseBadRequest("The address contains a NUL character.")
            answer: HttpResponseBase = inner(request, *args, **kwargs)
            return answer

        return checked

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        """Sign an operator in; whoever has to wait is told for how long. Source: RFC 6585 4."""
        response: HttpResponseBase = super().login(request, extra_context)
        form = (getattr(response, "context_data", None) or {}).get("form")
        wait_seconds = getattr(form, "wait_seconds", 0)
        if wait_seconds:
            response.status_code = HTTPStatus.TOO_MANY_REQUESTS
            response.headers["Retry-After"] = str(wait_seconds)
        return response

    def autocomplete_view(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the searches of choice fields."""
        return TenantAutocomplete.as_view(admin_site=self)(request)

    def search(
        self,
        request: HttpRequest,  # noqa: ARG002 - the theme's signature.
        extra_context: dict[str, Any] | None = None,  # noqa: ARG002 - as above.
    ) -> HttpResponseNotFound:
        """Refuse the theme's own search, which keeps what was searched for in the cache."""
        return HttpResponseNotFound()

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Add our style sheet and script to what every page needs."""
        context: dict[str, Any] = super().each_context(request)
        context["styles"] = [*context["styles"], static("tenants/console.css")]
        context["scripts"] = [*context["scripts"], static("tenants/console.js")]
        context["site_favicons"] = [
            Favicon(static("tenants/icon.svg"), "icon", type="image/svg+xml")
        ]
        context["site_url"] = None
        return context

    def get_sidebar_list(self, request: HttpRequest) -> list[dict[str, Any]]:
        """List the navigation: the nouns that the operator may see, in groups."""
        groups: list[dict[str, Any]] = []
        for title, nouns in NAVIGATION:
            items = [*self._page_items(request, title), *self._noun_items(request, nouns)]
            if items:
                groups.append({"title": title, "separator": bool(groups), "items": items})
        return groups

    def get_tabs_list(self, request: HttpRequest) -> list[dict[str, Any]]:
        """List the tabs of the entity whose form is shown."""
        match = request.resolver_match
        object_id = match.kwargs.get("object_id") if match else None
        if not match or not object_id:
            return []
        return [
            {
                "models": [{"name": label, "detail": True}],
                "items": self._tab_items(request, tabs, object_id),
            }
            for label, tabs in self._tabs.items()
            if match.url_name == f"{label.replace('.', '_')}_change"
        ]

    def _page_items(self, request: HttpRequest, group: str) -> list[dict[str, Any]]:
        return [
            self._item(request, page.title, page.icon, reverse(f"{self.name}:{page.view_name}"))
            for page in self._pages
            if page.group == group and page.is_allowed(request)
        ]

    def _noun_items(
        self, request: HttpRequest, nouns: tuple[tuple[str, str], ...]
    ) -> list[dict[str, Any]]:
        items = []
        for label, icon in nouns:
            model = apps.get_model(label)
            admin = self._registry.get(model)
            if admin is not None and admin.has_module_permission(request):
                options = model._meta  # noqa: SLF001 - Django's public API.
                name = f"{self.name}:{options.app_label}_{options.model_name}_changelist"
                title = TITLES.get(label) or str(options.verbose_name_plural).capitalize()
                items.append(self._item(request, title, icon, reverse(name)))
        return items

    def _item(self, request: HttpRequest, title: str, icon: str, link: str) -> dict[str, Any]:
        return {
            "title": title,
            "icon": icon,
            "link": link,
            "active": request.path.startswith(link),
            "has_permission": True,
        }

    def _tab_items(
        self, request: HttpRequest, tabs: list[Tab], object_id: str
    ) -> list[dict[str, Any]]:
        own = {"title": "Settings", "link": "", "active": True, "has_permission": True}
        others = [
            {
                "title": tab.title,
                "link": tab.link(object_id),
                "active": False,
                "has_permission": tab.is_allowed(request),
            }
            for tab in tabs
        ]
        return [own, *others]
