"""The form of an access policy, whose rule is linted as it is written, and that of a trial."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from tenants.admin.fields import LinesField, StorableJSONField
from tenants.admin.forms import EntityForm
from tenants.models import AccessPolicy
from tenants.models.access_policy import OperationChoice
from tenants.models.fields import validate_audience, validate_scope_name
from tenants.policy_engines import Severity, lint
from tenants.queries.policy_trials import Question, split_names
from tenants.services.policy_rules import write_finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tenants.policy_engines import Finding
    from tenants.records import JSON

Engine = AccessPolicy.Engine
MAX_RULE_CHARACTERS = 32_768
CODE = {"rows": 16, "class": "console-code", "spellcheck": "false", "autocapitalize": "off"}


class RuleField(forms.CharField):
    """A rule as its author writes it: JSON, or Cedar as it is."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - Django's options.
        """Show it as code, in a plain text area."""
        widget = UnfoldAdminTextareaWidget(CODE)
        super().__init__(
            **{"strip": False, "max_length": MAX_RULE_CHARACTERS, **options, "widget": widget}
        )

    def prepare_value(self, value: Any) -> Any:  # noqa: ANN401 - the stored rule, or what was typed.
        """Write a stored rule; Cedar is stored as the text that it is."""
        if value is None or isinstance(value, str):
            return value
        return json.dumps(value, indent=2, ensure_ascii=False)

    def has_changed(self, initial: Any, data: Any) -> bool:  # noqa: ANN401 - Django's signature.
        """Compare texts; browsers send line breaks of their own."""
        return (self.prepare_value(initial) or "").split() != (data or "").split()


class OptionalJSONField(StorableJSONField):
    """JSON that may be absent: then nothing is shown."""

    def prepare_value(self, value: Any) -> Any:  # noqa: ANN401 - any JSON.
        """Write nothing in place of null."""
        return "" if value is None else super().prepare_value(value)


class OptionalLinesField(LinesField):
    """A list of texts that may be absent: no line at all stands for no list."""

    def clean(self, value: Any) -> Any:  # noqa: ANN401 - Django's signature.
        """Read the lines."""
        return super().clean(value) or None


class AccessPolicyForm(EntityForm):
    """An access policy; each finding of the linter names its line."""

    rule = RuleField(
        required=False,
        help_text="JSON, or for the engine cedar its policies; empty for the engine allow. "
        "docs/policies.md describes what a rule may read.",
    )
    limit_scopes = OptionalLinesField(
        required=False,
        validate_line=[validate_scope_name],
        help_text="The only scopes that may be left. Empty: no limit.",
    )
    limit_audiences = OptionalLinesField(
        required=False,
        validate_line=[validate_audience],
        help_text="The only audiences that may be left. Empty: no limit.",
    )

    findings: tuple[Finding, ...] = ()

    def clean(self) -> dict[str, Any]:
        """Read and lint the rule by its engine."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        text = (cleaned.get("rule") or "").replace("\r\n", "\n")
        engine = cleaned.get("engine", "")
        try:
            cleaned["rule"] = rule = read_rule(engine, text)
        except ValidationError as error:
            self.add_error("rule", error)
            return cleaned
        if rule is not None or engine == Engine.ALLOW:
            self.findings = tuple(lint(cleaned.get("effect", ""), engine, rule, text=text))
            for message in self._write_findings(Severity.ERROR):
                self.add_error("rule", message)
        return cleaned

    def _post_clean(self) -> None:
        """Let the linter's words stand alone: the model only misses the rule that has failed."""
        told = [str(text) for text in self.errors.get("rule", ())]
        super()._post_clean()
        if told:
            self.errors["rule"] = self.error_class(told)

    @property
    def warnings(self) -> list[str]:
        """What the linter doubts, which may be saved all the same."""
        return list(self._write_findings(Severity.WARNING))

    def _write_findings(self, severity: Severity) -> Iterator[str]:
        found = (each for each in self.findings if each.severity is severity)
        return (write_finding(each) for each in found)


def read_rule(engine: str, text: str) -> JSON:
    """Read a rule as it was typed; None where nothing was.

    Raises:
        ValidationError: it is no JSON, naming the line.
    """
    if not text.strip():
        return None
    if engine == Engine.CEDAR:
        return text
    try:
        json.loads(text)
    except RecursionError:
        raise ValidationError("This JSON is nested too deeply.") from None
    except json.JSONDecodeError as error:
        raise ValidationError(f"Line {error.lineno}: this is no JSON: {error.msg}.") from None
    rule: JSON = StorableJSONField(required=False).clean(text)
    return rule


class TrialForm(forms.Form):
    """The request on which a policy is tried: one of a client, or one that was refused."""

    client_id = forms.CharField(
        required=False,
        max_length=255,
        label="client_id",
        widget=UnfoldAdminTextInputWidget,
        help_text="Who asks; for introspection, whose token it is.",
    )
    operation = forms.ChoiceField(
        choices=OperationChoice.choices, widget=UnfoldAdminSelectWidget, label="Operation"
    )
    scope = forms.CharField(
        required=False,
        max_length=4096,
        widget=UnfoldAdminTextInputWidget,
        help_text="With spaces between several. Empty: what the client asks for by default.",
    )
    audience = forms.CharField(
        required=False,
        max_length=4096,
        widget=UnfoldAdminTextInputWidget,
        help_text="With spaces between several. Empty: those of the scopes.",
    )
    subject = forms.CharField(
        required=False,
        max_length=36,
        widget=UnfoldAdminTextInputWidget,
        help_text="The id of an end user, who brings their groups. Empty: nobody.",
    )
    access = OptionalJSONField(
        required=False,
        label="Access evaluation",
        help_text="Of an access evaluation what a resource server sends, "
        '{"subject": ..., "action": ..., "resource": ...}; beside a refused one what its trace '
        "does not keep: properties and context.",
    )
    request_id = forms.CharField(
        required=False,
        max_length=64,
        widget=UnfoldAdminTextInputWidget,
        label="Refused request",
        help_text="In place of all that: the X-Request-Id of a token request, introspection or "
        "access evaluation whose refusal kept a trace. Foreign claims are not kept with it.",
    )

    def clean_access(self) -> dict[str, JSON]:
        """Read the entities.

        Raises:
            ValidationError: they are no object.
        """
        entities = self.cleaned_data["access"]
        if entities is not None and not isinstance(entities, dict):
            raise ValidationError("Write an object.")
        return entities or {}

    @property
    def question(self) -> Question:
        """The question that is asked."""
        cleaned = self.cleaned_data
        return Question(
            client_id=cleaned["client_id"],
            operation=cleaned["operation"],
            scopes=tuple(split_names(cleaned["scope"])),
            audiences=tuple(split_names(cleaned["audience"])),
            subject=cleaned["subject"],
            request_id=cleaned["request_id"].strip(),
            entities=cleaned["access"],
        )
