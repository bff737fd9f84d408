"""The Django application of the tokens package."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils import timezone


class TokensConfig(AppConfig):
    """Registers the models of what happens on the wire."""

    name = "tokens"
    verbose_name = "Tokens"

    def ready(self) -> None:
        """Load the claims hook, make partitions after migrations, let policies be tried again."""
        from django.conf import settings  # noqa: PLC0415 - as below.

        from tenants.queries.refused_requests import Wire, register  # noqa: PLC0415 - as below.
        from tokens import claim_hook  # noqa: PLC0415 - as below.
        from tokens.retried_requests import (  # noqa: PLC0415 - as below.
            ask_access,
            find_refused_request,
        )

        claim_hook.install(settings.TOKENS_CLAIMS_HOOK)
        register(Wire(find_refused_request, ask_access))
        post_migrate.connect(_make_partitions, sender=self, dispatch_uid="tokens.partitions")


def _make_partitions(*, using: str, **_: object) -> None:
    """Make the partitions in the database that was migrated; new tokens need them."""
    from tokens import partitions  # noqa: PLC0415 - the models are loaded by now, not before.

    partitions.make_ahead(timezone.now(), using=using)
