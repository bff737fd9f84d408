"""The Django application of the tokens package."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils import timezone


class TokensConfig(AppConfig):
    """Registers the models of what happens on the wire."""

    name = "tokens"
    verbose_name = "Tokens"

    def ready(self) -> None:
        """Make partitions after each migration, and let policies be tried on refused requests."""
        from tenants.queries.refused_requests import register_reader  # noqa: PLC0415 - as below.
        from tokens.explain import find_refused_request  # noqa: PLC0415 - as below.

        register_reader(find_refused_request)
        post_migrate.connect(_make_partitions, sender=self, dispatch_uid="tokens.partitions")


def _make_partitions(*, using: str, **_: object) -> None:
    """Make the partitions in the database that was migrated; new tokens need them."""
    from tokens import partitions  # noqa: PLC0415 - the models are loaded by now, not before.

    partitions.make_ahead(timezone.now(), using=using)
