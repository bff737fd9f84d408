"""Lets a session keep whom its client acts for, and finds what is theirs by an index."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0009_impersonation'),
        ('tokens', '0005_master_token_quota'),
        migrations.swappable_dependency(settings.OAUTH2_PROVIDER_APPLICATION_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='session',
            name='app_subject_id',
            field=models.CharField(max_length=255, null=True),
        ),
        migrations.AddField(
            model_name='session',
            name='app_tenant_id',
            field=models.CharField(max_length=255, null=True),
        ),
        migrations.AddIndex(
            model_name='accesstoken',
            index=models.Index(condition=models.Q(('app_subject_id__isnull', False)), fields=['tenant', 'app_subject_id', '-id'], name='tokens_accesstoken_app_subject'),
        ),
        migrations.AddIndex(
            model_name='session',
            index=models.Index(condition=models.Q(('app_subject_id__isnull', False)), fields=['tenant', 'app_subject_id', '-started_at'], name='tokens_session_app_subject'),
        ),
    ]
