"""Finds the sessions of a sign-in by an index that is made while sessions go on being written."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("tokens", "0013_interactive"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="session",
            index=models.Index(
                fields=["sign_in_id"],
                condition=models.Q(sign_in_id__isnull=False),
                name="tokens_session_sign_in",
            ),
        ),
    ]
