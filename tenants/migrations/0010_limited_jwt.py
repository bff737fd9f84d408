"""Lets an Api take tokens of limited use as JSON Web Tokens."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0009_impersonation'),
    ]

    operations = [
        migrations.AddField(
            model_name='api',
            name='allow_limited_jwt',
            field=models.BooleanField(default=False, help_text='Whether tokens of limited use may be JSON Web Tokens. Careful: whoever verifies one offline does not count its use, so the limit holds only where this Api introspects.'),
        ),
    ]
