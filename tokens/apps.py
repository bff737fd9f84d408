"""The Django application of the tokens package."""

from django.apps import AppConfig


class TokensConfig(AppConfig):
    """Registers the models of what happens on the wire."""

    name = "tokens"
    verbose_name = "Tokens"
