"""Lets every level say how many requests clients and addresses may send."""

import django.core.validators
from django.db import migrations, models

MAX_REQUESTS_PER_MINUTE = 60_000_000
MAX_BURST = 1_000_000


def limit(maximum, help_text):
    return models.PositiveIntegerField(
        blank=True,
        help_text=help_text,
        null=True,
        validators=[
            django.core.validators.MinValueValidator(1),
            django.core.validators.MaxValueValidator(maximum),
        ],
    )


CLIENT = {
    "client_requests_per_minute": limit(MAX_REQUESTS_PER_MINUTE, "How many requests a client may send, on average. Empty: the level above decides."),
    "client_request_burst": limit(MAX_BURST, "How many of them may come at once. Empty: the level above decides."),
}
LEVEL = {
    **CLIENT,
    "max_client_requests_per_minute": limit(MAX_REQUESTS_PER_MINUTE, "No client below this level may send more."),
    "max_client_request_burst": limit(MAX_BURST, "No client below this level may send more at once."),
    "address_requests_per_minute": limit(MAX_REQUESTS_PER_MINUTE, "How many requests one address may send to one tenant, whoever it says it is. Empty: the level above decides."),
    "max_address_requests_per_minute": limit(MAX_REQUESTS_PER_MINUTE, "No tenant below this level lets an address send more."),
    "address_request_burst": limit(MAX_BURST, "How many of them may come at once. Empty: the level above decides."),
    "max_address_request_burst": limit(MAX_BURST, "No tenant below this level lets an address send more at once."),
}
FIELDS = {"platform": LEVEL, "environment": LEVEL, "tenant": LEVEL, "client": CLIENT}


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0014_claims'),
    ]

    operations = [
        migrations.AddField(model_name=model, name=name, field=field)
        for model, fields in FIELDS.items()
        for name, field in fields.items()
    ]
