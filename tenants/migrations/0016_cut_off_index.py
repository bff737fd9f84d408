"""Finds the cut-offs of a tenant after a number, whatever they select by."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0015_request_limits"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="cutoff",
            index=models.Index(fields=["tenant", "number"], name="tenants_cutoff_after"),
        ),
    ]
