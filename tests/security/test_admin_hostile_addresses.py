"""Nothing in the address of an admin page makes a server error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.admin.addresses import MODELS, address

if TYPE_CHECKING:
    from tests.admin.operators import OperatorBrowser

HOSTILE_QUERIES = {
    "NUL": "q=%00",
    "bad UTF-8": "q=%ff%fe",
    "long": f"q={'x' * 5000}",
    "SQL": "q=%27%20OR%201=1--",
    "wildcards": "q=%25_%5C",
    "no tenant": "tenant=nonsense",
    "no kind": "kind=nonsense",
    "no column": "o=99.-99.x",
    "no page": "p=99999",
    "page of words": "p=x",
    "error": "e=1",
    "unknown filter": "user__password__startswith=argon2",
    "foreign filter": "tenant__memberships__user__password__startswith=a",
    "key of words": "id__exact=x",
    "all": "all=1",
}
HOSTILE_IDS = ("x", "%2e%2e", "0", "9" * 30, "_0", "%00", "%ff", "a" * 3000)


@pytest.mark.parametrize("query", HOSTILE_QUERIES.values(), ids=HOSTILE_QUERIES)
def test_a_hostile_query_is_no_error(query: str, owner: OperatorBrowser) -> None:
    statuses = {
        owner.get(f"{address(model, 'changelist')}?{query}").status_code for model in MODELS
    }
    assert statuses <= {200, 302, 400, 403}


def test_a_hostile_id_is_not_found(owner: OperatorBrowser) -> None:
    for model in MODELS:
        for hostile in HOSTILE_IDS:
            url = address(model, "change", "ID").replace("ID", hostile)
            assert owner.get(url).status_code in {302, 400, 403, 404}, url


@pytest.mark.parametrize(
    "query",
    [
        "",
        "app_label=x&model_name=y&field_name=z",
        "app_label=tenants&model_name=client&field_name=client_id",
        "app_label=auth&model_name=permission&field_name=content_type",
        "app_label=admin&model_name=logentry&field_name=user&term=a",
        "app_label=tenants&model_name=group&field_name=subjects&tenant=x",
        "app_label=tenants&model_name=group&field_name=subjects&page=x",
        "app_label=tenants&model_name=group&field_name=subjects&term=%00",
    ],
)
def test_a_hostile_choice_is_no_error(query: str, owner: OperatorBrowser) -> None:
    assert owner.get(f"/admin/autocomplete/?{query}").status_code in {200, 400, 403, 404}


def test_the_themes_search_is_closed(owner: OperatorBrowser) -> None:
    assert owner.get("/admin/search/?s=client&extended=1").status_code == 404
