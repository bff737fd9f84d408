"""Finds a tenant by how its slug or its name begins; its path has such an index by itself."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0016_cut_off_index"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="tenant",
            index=models.Index(
                fields=["slug"],
                name="tenants_tenant_slug_begins",
                opclasses=["varchar_pattern_ops"],
            ),
        ),
        migrations.AddIndex(
            model_name="tenant",
            index=models.Index(
                fields=["name"],
                name="tenants_tenant_name_begins",
                opclasses=["varchar_pattern_ops"],
            ),
        ),
    ]
