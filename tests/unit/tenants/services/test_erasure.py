"""Tests of erasure: nothing personal is left anywhere, and the report proves what it says."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from tenants import audit
from tenants.errors import InvalidEntity
from tenants.models import (
    AuditDetail,
    AuditEvent,
    CutOff,
    Group,
    Subject,
    SubjectIdentity,
    TrustProfile,
)
from tenants.personal_data import PersonalData
from tenants.records import SYSTEM, Actor
from tenants.services import groups
from tenants.services.erasure import erase_subject, personal_models
from tenants.services.subjects import save_subject
from tenants.services.tenant_tables import tenant_models
from tenants.services.trust_profiles import save_trust_profile
from tests.factories.master_tokens import Application, make_application
from tests.factories.tokens import Issuer, subject_record
from tokens.models import AccessToken, Consent, Session

if TYPE_CHECKING:
    from django.db.models import Model

pytestmark = pytest.mark.django_db
EMAIL = "anna.mayer@example.com"
NAME = "Anna Mayer"
EXTERNAL = "customer-4711"
SUB = "auth0|anna-mayer"
MARKS = (EMAIL, NAME, EXTERNAL, SUB, "203.0.113.77")


@pytest.fixture
def app() -> Application:
    return make_application(
        grant_types=[
            "urn:authplatform:grant-type:master-token",
            "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "refresh_token",
        ]
    )


@pytest.fixture
def anna(app: Application) -> Subject:
    """A person with a trace in every table that knows people."""
    made = app.oauth.http.post(
        f"/t/{app.tenant.path}/users",
        json.dumps(
            {
                "external_id": EXTERNAL,
                "name": NAME,
                "email": EMAIL,
                "attributes": {"address": "Main Street 1"},
            }
        ),
        content_type="application/json",
        headers={"Authorization": f"Bearer {app.private}"},
        REMOTE_ADDR="203.0.113.77",
    ).json()
    subject = Subject.objects.get(pk=made["user"]["id"])
    profile = TrustProfile(
        tenant=app.tenant, slug="p", issuer="https://p.example", algorithms=["HS256"]
    )
    save_trust_profile(profile, actor=SYSTEM, shared_secret="a" * 32)
    SubjectIdentity.objects.create(
        tenant=app.tenant, subject=subject, trust_profile=profile, sub=SUB
    )
    staff = Group(tenant=app.tenant, slug="staff")
    groups.save_group(staff, actor=SYSTEM, links={"subjects": [subject]})
    issuer = Issuer(app.tenant, app.tenant.apis.get(slug="accounts"), "application")
    issuer.issue(
        grant_type="urn:ietf:params:oauth:grant-type:jwt-bearer",
        subject=subject_record(subject.pk),
        address="203.0.113.77",
        user_agent=f"Mail of {EMAIL}",
        claims={"email": EMAIL, "sub": SUB},
    )
    now = timezone.now()
    Consent.objects.create(
        tenant=app.tenant,
        client=app.client,
        subject=subject,
        scopes=["read:accounts"],
        granted_at=now,
        expires_at=now + timedelta(days=1),
    )
    actor = Actor("subject", str(subject.pk), address="203.0.113.77")
    save_subject(subject, actor=actor, reason=f"{NAME} moved")
    app.send("POST", f"/users/{subject.pk}/tokens", app.private, {"scope": "write:accounts"})
    return subject


def find_in_tables(app: Application, *texts: str) -> dict[str, int]:
    """Count the rows of all of the tenant's tables that hold one of the texts."""
    found: dict[str, int] = {}
    for model in tenant_models():
        table = model._meta.db_table  # noqa: SLF001 - Django's public API.
        sql = f"SELECT count(*) FROM {table} t WHERE tenant_id = %s AND strpos(t::text, %s) > 0"  # noqa: S608 - a table of ours.
        for text in texts:
            with connection.cursor() as cursor:
                cursor.execute(sql, [app.tenant.pk, text])
                found[table] = found.get(table, 0) + cursor.fetchone()[0]
    return {table: count for table, count in found.items() if count}


def test_every_model_that_names_a_subject_says_what_is_personal() -> None:
    def names_subject(model: type[Model]) -> bool:
        fields = model._meta.concrete_fields  # noqa: SLF001 - Django's public API.
        return any(field.attname == "subject_id" for field in fields)

    silent = [
        model.__name__
        for model in apps.get_models()
        if names_subject(model)
        and not isinstance(getattr(model, "personal_data", None), PersonalData)
    ]
    assert silent == []
    assert len(list(personal_models())) >= 8


def test_nothing_personal_is_left_in_any_table(app: Application, anna: Subject) -> None:
    assert set(find_in_tables(app, *MARKS)) >= {
        *("tenants_subject", "tenants_subjectidentity", "tokens_accesstoken", "tokens_session"),
        "tenants_auditdetail",
    }
    report = erase_subject(anna, actor=SYSTEM, reason="ticket 17")
    assert find_in_tables(app, *MARKS) == {}
    assert report.is_proven
    counted = {place.name: (place.before, place.after) for place in report.places}
    assert counted["tenants.Subject"] == (1, 0)
    assert counted["tenants.SubjectIdentity"] == (1, 0)
    assert counted["tenants.Group.subjects"] == (1, 0)
    assert counted["tokens.AccessToken"] == (2, 0)
    assert counted["tokens.Session"] == (1, 0)
    assert counted["tokens.Consent"] == (1, 0)
    assert counted["tokens.Refusal"] == (1, 0)
    assert counted["tenants.AuditDetail"][0] >= 2
    assert not any(mark in json.dumps(report.describe()) for mark in MARKS)


def test_tokens_and_sessions_end(app: Application, anna: Subject) -> None:
    erase_subject(anna, actor=SYSTEM)
    cut_off = CutOff.objects.get(subject_id=anna.pk)
    assert all(
        n < cut_off.number for n in AccessToken.objects.values_list("cut_off_number", flat=True)
    )
    assert Session.objects.get().cut_off_number < cut_off.number
    assert app.send("GET", f"/users/{anna.pk}", app.private).status_code == 404
    assert app.send("POST", f"/users/{anna.pk}/tokens", app.private, {}).status_code == 404
    assert app.send("GET", "/users", app.private).json()["items"] == []


def test_audit_stays_whole_under_the_pseudonym(app: Application, anna: Subject) -> None:
    erase_subject(anna, actor=SYSTEM, reason="ticket 17")
    assert audit.find_broken_link(app.tenant.pk) is None
    events = AuditEvent.objects.filter(entity_id=str(anna.pk)).values_list("event", flat=True)
    assert {"subject.created", "subject.updated", "subject.erased"} <= set(events)
    kept = AuditDetail.objects.filter(event__entity_id=str(anna.pk)).values_list(
        "reason", flat=True
    )
    assert list(kept) == ["ticket 17"]


def test_nobody_else_loses_anything(app: Application, anna: Subject) -> None:
    bert = app.add_user(external_id="customer-4712", name="Bert", email="bert@example.com")
    erase_subject(anna, actor=SYSTEM)
    found = app.send("GET", f"/users/{bert['user']['id']}", app.private).json()
    assert (found["name"], found["external_id"]) == ("Bert", "customer-4712")
    assert app.send("GET", "/me", bert["access_token"]).status_code == 200
    assert "customer-4712" not in MARKS


def test_another_persons_text_is_shown_and_left(app: Application, anna: Subject) -> None:
    app.add_user(name="Her sister", attributes={"contact": EMAIL})
    report = erase_subject(anna, actor=SYSTEM)
    (place,) = (place for place in report.mentions if place.after)
    assert (place.name, place.after) == ("tenants.Subject", 1)
    assert report.is_proven


def test_twice_is_harmless_and_finds_nothing_more(anna: Subject) -> None:
    first = erase_subject(anna, actor=SYSTEM)
    again = erase_subject(Subject.objects.get(pk=anna.pk), actor=SYSTEM)
    assert again.erased_at == first.erased_at
    assert again.is_proven
    assert not again.mentions


@pytest.mark.parametrize("reason", [f"{NAME} asked", f"mail from {EMAIL.upper()}", SUB])
def test_reason_must_not_name_the_person(anna: Subject, reason: str) -> None:
    with pytest.raises(InvalidEntity, match="reason"):
        erase_subject(anna, actor=SYSTEM, reason=reason)
    anna.refresh_from_db()
    assert anna.name == NAME


def test_erased_subject_is_never_written_again(anna: Subject) -> None:
    erase_subject(anna, actor=SYSTEM)
    erased = Subject.objects.get(pk=anna.pk)
    erased.name = "Somebody"
    with pytest.raises(InvalidEntity, match="erased"):
        save_subject(erased, actor=SYSTEM)


def test_the_same_person_comes_again_as_somebody_new(app: Application, anna: Subject) -> None:
    erase_subject(anna, actor=SYSTEM)
    again = app.add_user(external_id=EXTERNAL, email=EMAIL)["user"]
    assert again["id"] != str(anna.pk)


def run_command(*arguments: str) -> dict[str, Any]:
    out = io.StringIO()
    call_command("erase_subject", *arguments, stdout=out)
    report: dict[str, Any] = json.loads(out.getvalue())
    return report


def test_command_wants_the_id_twice_and_prints_the_proof(app: Application, anna: Subject) -> None:
    path, own = app.tenant.path, str(anna.pk)
    other = "00000000-0000-0000-0000-000000000000"
    for arguments in ((path, own, "--confirm", other), (path, other, "--confirm", other)):
        with pytest.raises(CommandError):
            run_command(*arguments)
    with pytest.raises(CommandError):
        run_command("acme/production/initech", own, "--confirm", own)
    with pytest.raises(CommandError, match="reason"):
        run_command(path, own, "--confirm", own, "--reason", NAME)
    report = run_command(path, own, "--confirm", own, "--reason", "ticket")
    assert (report["is_proven"], report["subject"]) == (True, own)
