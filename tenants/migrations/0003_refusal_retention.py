"""Lets platform and tenants say how long the traces of refused requests are kept."""

import django.core.validators
from django.db import migrations, models

DAY_SECONDS = 86_400


def retention(help_text):
    return models.PositiveIntegerField(
        default=7 * DAY_SECONDS,
        help_text=help_text,
        validators=[
            django.core.validators.MinValueValidator(0),
            django.core.validators.MaxValueValidator(30 * DAY_SECONDS),
        ],
    )


class Migration(migrations.Migration):
    dependencies = [("tenants", "0002_database_roles")]

    operations = [
        migrations.AddField(
            model_name="platform",
            name="refusal_retention_seconds",
            field=retention(
                "How long the trace of a refused request can be found. A tenant may keep less."
            ),
        ),
        migrations.AddField(
            model_name="tenant",
            name="refusal_retention_seconds",
            field=retention(
                "How long the trace of a refused request can be found, within what the platform "
                "keeps."
            ),
        ),
    ]
