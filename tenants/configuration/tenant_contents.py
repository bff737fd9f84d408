"""Brings what a tenant has to what its entry says, in the order in which things need each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tenants.configuration.client_secret_entries import bring_secrets
from tenants.configuration.kinds import (
    API,
    CLAIM_PROFILE,
    CLIENT,
    CLIENT_SECRET,
    GRANT_SETTINGS,
    INITIAL_ACCESS_TOKEN,
    KINDS,
    MASTER_TOKEN,
    SCOPE,
    TENANT,
    TRUST_PROFILE,
)
from tenants.configuration.names import Names, load_names
from tenants.configuration.profile_uses import remove_absent_profiles
from tenants.configuration.shared_secret_entries import bring_trust_profile
from tenants.configuration.signing_key_entries import bring_signing_keys
from tenants.configuration.stated_list import StatedList
from tenants.configuration.stored import find_stored
from tenants.configuration.token_entries import bring_token
from tenants.configuration.writing import Draft, bring

if TYPE_CHECKING:
    from tenants import models
    from tenants.configuration.documents import Entry
    from tenants.configuration.journal import Journal
    from tenants.configuration.vocabulary import Kind

# What depends on others goes first. Claim profiles and keys have rules of their own.
REMOVED_FIRST = (
    "operators",
    "claim_rules",
    "access_policies",
    "groups",
    "master_tokens",
    "initial_access_tokens",
    "clients",
    "trust_profiles",
)
PLAIN_LISTS = ("groups", "access_policies", "claim_rules", "operators")


@dataclass(frozen=True, slots=True)
class TenantContents:
    """The lists of one tenant, on their way to what its entry says."""

    journal: Journal
    entry: Entry
    tenant: models.Tenant

    def bring(self) -> None:
        """Remove what is stated no more, then bring every list to what is stated."""
        self._remove_absent()
        names = load_names(self.tenant)
        self._bring_list(CLAIM_PROFILE, names)
        bring(self._tenant_draft(), is_late=True)
        self._bring_apis(names)
        self._bring_trust_profiles(names)
        self._bring_clients(names)
        for draft in self._list(API).drafts(names):
            if not draft.is_new:
                bring(draft, is_late=True)
        self._bring_tokens(names)
        for name in PLAIN_LISTS:
            self._bring_list(KINDS[name], names)
        bring_signing_keys(self.journal, self.entry, self.tenant, self.tenant.path, names)
        remove_absent_profiles(self._list(CLAIM_PROFILE), self.tenant)

    def _list(self, kind: Kind) -> StatedList:
        label = f"{self.tenant.path} {kind.name}"
        return StatedList(self.journal, self.entry, kind, self.tenant, label)

    def _tenant_draft(self) -> Draft:
        return Draft(self.journal, self.entry, TENANT, self.tenant, self.tenant.path)

    def _remove_absent(self) -> None:
        for name in REMOVED_FIRST:
            self._list(KINDS[name]).remove_absent()
        stored = find_stored(API, self.tenant)
        for entry in self.entry.entries(API.name):
            name = API.name_in(entry.content)
            if name in stored:
                label = f"{self.tenant.path} apis[{name}].scopes"
                StatedList(self.journal, entry, SCOPE, stored[name], label).remove_absent()
        self._list(API).remove_absent()

    def _bring_list(self, kind: Kind, names: Names) -> None:
        for draft in self._list(kind).drafts(names):
            entity = bring(draft)
            if kind.name in names.entities:
                names.add(kind.name, draft.name, entity)

    def _bring_apis(self, names: Names) -> None:
        for draft in self._list(API).drafts(names):
            api = bring(draft)
            names.add(API.name, draft.name, api)
            scopes = StatedList(
                self.journal, draft.entry, SCOPE, draft.entity, f"{draft.label}.scopes"
            )
            if api is None:
                names.failed.update((SCOPE.name, name) for name in scopes.stated_names())
                continue
            for scope in scopes.drafts(names):
                names.add(SCOPE.name, scope.name, bring(scope))

    def _bring_clients(self, names: Names) -> None:
        for draft in self._list(CLIENT).drafts(names):
            client = bring(draft)
            names.add(CLIENT.name, draft.name, client)
            if client is not None:
                bring_secrets(_below(draft, CLIENT_SECRET))
                settings = _below(draft, GRANT_SETTINGS)
                settings.remove_absent()
                for grant in settings.drafts(names):
                    bring(grant)

    def _bring_trust_profiles(self, names: Names) -> None:
        for draft in self._list(TRUST_PROFILE).drafts(names):
            bring_trust_profile(draft)
            names.add(TRUST_PROFILE.name, draft.name, None if draft.is_new else draft.entity)

    def _bring_tokens(self, names: Names) -> None:
        for kind in (MASTER_TOKEN, INITIAL_ACCESS_TOKEN):
            tokens = self._list(kind)
            for draft in tokens.drafts(names):
                bring_token(tokens, draft)


def _below(draft: Draft, kind: Kind) -> StatedList:
    return StatedList(draft.journal, draft.entry, kind, draft.entity, f"{draft.label}.{kind.name}")
