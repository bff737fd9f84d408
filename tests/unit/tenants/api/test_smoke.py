import pytest
from tests.factories.tenants import make_tenant
from tests.management_client import ManagementClient

@pytest.mark.django_db
def test_smoke():
    t = make_tenant()
    m = ManagementClient(t)
    r = m.get("")
    print(r.status_code, r.headers, r.content)
    c = m.create()
    print(c)
    r = m.patch("/"+c["id"], {"client_name": "x"}, c["version"])
    print(r.status_code, r.content, r.headers)
    r = m.get("")
    print(r.content)
    r = m.post(f"/{c['id']}/secrets", {"label":"second"})
    print(r.content, r.headers)
    r = m.delete("/"+c["id"]); print(r.status_code, r.content)
    assert 0
