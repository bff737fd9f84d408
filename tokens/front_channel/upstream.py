"""A person signs in with an outside issuer: away to it, and back with its answer."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from tenants.assurance import Assurance
from tokens import limits, upstream_flows, upstream_sign_in
from tokens.front_channel import continuations, signing_in
from tokens.front_channel.arrivals import describe, read_arrival
from tokens.front_channel.errors import PageRefused
from tokens.front_channel.page import Page
from tokens.front_channel.sentences import SENTENCES
from tokens.front_channel.sign_in import CHOOSE
from tokens.sign_ins import Proof
from tokens.upstream_flows import InvalidState, Wishes
from tokens.upstream_sign_in import Exchange, UpstreamRefused

if TYPE_CHECKING:
    from django.http import HttpResponse

    from tenants.records import TrustProfileRecord, UpstreamRecord
    from tokens.front_channel.arrivals import Arrival
    from tokens.front_channel.page import Visit
    from tokens.upstream_flows import Flow

logger = logging.getLogger(__name__)
TEMPLATE: Final = "front_channel/provider_failed.html"
PROVIDER: Final = "provider"
# What an answer may have once. Source: RFC 6749 section 3.1, RFC 9207 section 2.
SINGLE: Final = ("state", "code", "error", "iss")


class ProviderPage(Page):
    """`/sign-in/with/{provider}`: leads to the issuer.

    A link may do that: what comes back is bound to this browser, and signs in nobody but whoever
    proves themselves there.
    """

    def show(self, visit: Visit, **fixed: str) -> HttpResponse:
        """Send the person to the issuer."""
        arrival = read_arrival(visit)
        provider = fixed[PROVIDER]
        _, upstream = _find_profile(visit, arrival, provider)
        flow = upstream_flows.begin(provider, arrival.sealed, visit.browser, now=visit.now)
        address = upstream_flows.address_of(visit.tenant, upstream, flow, _wishes(arrival))
        return visit.redirect(address)


class ProviderAnswerPage(Page):
    """`/sign-in/callback/{provider}`: takes the issuer's answer."""

    def show(self, visit: Visit, **fixed: str) -> HttpResponse:
        """Sign the person in, or say why not."""
        # Each answer makes us ask the issuer, whoever made it up.
        limits.admit_proof(visit.tenant, visit.address)
        flow = _read_flow(visit, fixed[PROVIDER])
        arrival = describe(visit, flow.sealed)
        profile, upstream = _find_profile(visit, arrival, flow.provider)
        try:
            _check_answer(visit, profile)
            code = visit.request.GET.get("code", "")
            wishes = _wishes(arrival)
            arrived = upstream_sign_in.finish(
                Exchange(visit.tenant, profile, upstream, flow, code, visit.now, wishes)
            )
        except UpstreamRefused as error:
            facts = {"trust_profile_id": str(profile.id), "detail": str(error)}
            logger.info("outside sign-in refused", extra=facts)
            return _render_failure(visit, arrival, error)
        proof = Proof(
            arrived.subject_id,
            Assurance.ONE_FACTOR,
            arrived.amr,
            visit.address,
            visit.user_agent,
            trust_profile_id=profile.id,
        )
        return signing_in.complete(visit, proof, flow.sealed)


def _wishes(arrival: Arrival) -> Wishes:
    asked = arrival.asked
    return Wishes(asked.login_hint, asked.prompts, asked.max_age) if asked else Wishes()


def _find_profile(
    visit: Visit, arrival: Arrival, provider: str
) -> tuple[TrustProfileRecord, UpstreamRecord]:
    """Find the trust profile of a provider, if it is offered for what the person came for."""
    offered = {each.slug for each in arrival.providers}
    for profile in visit.tenant.trust_profiles:
        if profile.slug == provider and profile.upstream is not None and provider in offered:
            return profile, profile.upstream
    raise PageRefused("not_offered", status=404)


def _read_flow(visit: Visit, provider: str) -> Flow:
    """Read for which flow of this browser the answer is, and take only the first.

    Raises:
        PageRefused: for none.
    """
    query = visit.request.GET
    if any(len(query.getlist(name)) > 1 for name in SINGLE):
        raise PageRefused("unreadable_request", detail="a parameter is repeated")
    browser = "" if visit.is_new_browser else visit.browser
    try:
        flow = upstream_flows.read(visit.tenant, query.get("state", ""), browser)
        if flow.provider != provider:
            raise PageRefused("stale_request", detail="the answer of another provider")
        upstream_flows.use_up(visit.tenant, flow)
    except InvalidState as error:
        raise PageRefused("stale_request", detail=str(error)) from error
    return flow


def _check_answer(visit: Visit, profile: TrustProfileRecord) -> None:
    """Refuse an answer of another issuer, and one that says no; its words stay in the log.

    Source: RFC 9207 section 2.4, OpenID Connect Core section 3.1.2.6.
    """
    query = visit.request.GET
    if query.get("iss", profile.issuer) != profile.issuer:
        raise UpstreamRefused(upstream_sign_in.REFUSED, "iss is another issuer")
    if "error" in query:
        raise UpstreamRefused(upstream_sign_in.REFUSED, f"error: {query['error'][:100]!r}")


def _render_failure(visit: Visit, arrival: Arrival, error: UpstreamRefused) -> HttpResponse:
    """Say what happened, and offer another way to whoever came for an application."""
    title, sentence = SENTENCES[error.reason]
    query = {continuations.PARAMETER: arrival.sealed} if arrival.sealed else {}
    context = {
        "title": title,
        "sentence": sentence,
        "other_way": f"{visit.address_of('sign-in')}?{urlencode({**query, CHOOSE: '1'})}",
    }
    status = 503 if error.reason == upstream_sign_in.UNAVAILABLE else 403
    return visit.render(TEMPLATE, context, status=status)
