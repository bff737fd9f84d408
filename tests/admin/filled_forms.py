"""Forms of the admin as a browser would send them back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from django.forms import Form

    from tests.admin.operators import OperatorBrowser


def fill(browser: OperatorBrowser, url: str, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any field.
    """Open a form and answer what it would send, with changes; None leaves a field out."""
    context = browser.get(url).context
    filled = _values(context["adminform"].form)
    for table in context["inline_admin_formsets"]:
        filled |= _values(table.formset.management_form)
        for form in table.formset.initial_forms:
            filled |= _values(form)
    return {name: value for name, value in {**filled, **changes}.items() if value is not None}


def _values(form: Form) -> dict[str, Any]:
    sent = {field.html_name: _write(field.value()) for field in form}
    return {name: value for name, value in sent.items() if value is not None}


def _write(value: Any) -> Any:  # noqa: ANN401 - any field.
    if value is None or value is False:
        return None
    if value is True:
        return "on"
    if isinstance(value, list | tuple):
        return [str(getattr(item, "pk", item)) for item in value]
    return str(value)
