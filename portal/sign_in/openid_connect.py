"""What the portal sends to an identity provider, and what it believes of the answer: OpenID Connect."""

from typing import Any
from urllib.parse import quote

import jwt
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialAccount, SocialLogin
from allauth.socialaccount.providers.oauth2.client import OAuth2Client
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import cached_property
from requests import RequestException, Response

from portal import links

from .failures import SignInFailed, error_code

# How an ID token may be signed: with a key pair whose public half the provider shows.
ALGORITHMS = (
    *("RS256", "RS384", "RS512"),
    *("PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512"),
    "EdDSA",
)
CLOCK_DIFFERENCE = 60  # seconds
TENANT = "{tenantid}"

_REFUSED = {
    jwt.ExpiredSignatureError: "the ID token has expired: compare the clocks",
    jwt.ImmatureSignatureError: "the ID token is not valid yet: compare the clocks",
    jwt.InvalidAudienceError: "the ID token is for another client (aud)",
    jwt.InvalidSignatureError: "the signature of the ID token is wrong",
    jwt.MissingRequiredClaimError: "the ID token lacks a claim: exp, aud, iss or sub",
}


def fetch(what: str, method: str, url: str, **options: Any) -> Response:
    """Ask the provider; raises ``SignInFailed`` where it does not answer."""
    with get_adapter().get_requests_session() as session:
        try:
            return session.request(method, url, **options)
        except RequestException as error:
            raise SignInFailed(f"{what} did not answer ({type(error).__name__})") from error


def read_object(what: str, answer: Response) -> dict[str, Any]:
    """Return the JSON object that a provider has answered with, or raise ``SignInFailed``."""
    try:
        content = answer.json()
    except ValueError:
        content = None
    if answer.status_code != 200:
        said = f", {error_code(content.get('error'))}" if isinstance(content, dict) else ""
        raise SignInFailed(f"{what} answered {answer.status_code}{said}")
    if not isinstance(content, dict):
        raise SignInFailed(f"{what} did not answer with a JSON object")
    return content


class PortalClient(OAuth2Client):
    def get_access_token(
        self, code: str, pkce_code_verifier: str | None = None, extra_data: Any = None
    ) -> dict[str, str]:
        """Return the ID token that the provider gives for ``code``."""
        data = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.callback_url,
            "code_verifier": pkce_code_verifier,
        }
        auth = None
        if self.basic_auth:
            # RFC 6749, 2.3.1: encoded first, so that a colon in the id does not end it. A space goes as
            # %20: of providers that decode, some leave a plus sign as it is.
            auth = (quote(self.consumer_key, safe=""), quote(self.consumer_secret, safe=""))
        else:
            data |= {"client_id": self.consumer_key, "client_secret": self.consumer_secret}
        what = "the token endpoint"
        url = self.access_token_url
        answer = fetch(what, "POST", url, data=data, auth=auth, allow_redirects=False)
        content = read_object(what, answer)
        if not isinstance(content.get("id_token"), str):
            said = f": {error_code(content['error'])}" if "error" in content else ""
            raise SignInFailed(f"{what} gave no ID token{said}")
        # The access token opens nothing that the portal wants.
        return {"access_token": "", "id_token": content["id_token"]}


class PortalOpenIDConnect(OpenIDConnectOAuth2Adapter):
    """One sign-in at a provider, from its metadata to the claims of the signed ID token."""

    client_class = PortalClient

    @cached_property
    def openid_config(self) -> dict[str, Any]:
        """What the provider says of itself; raises ``SignInFailed`` where no sign-in can follow from it."""
        what = "the provider's metadata address"
        provider = self.get_provider()
        metadata = read_object(what, fetch(what, "GET", provider.server_url))
        for name in ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri"):
            if not str(metadata.get(name, "")).startswith("https://"):
                raise SignInFailed(f"the provider's metadata lack an https:// address as {name}")
        if TENANT in metadata["issuer"] and not provider.app.settings["tenants"]:
            raise SignInFailed(
                "it signs in people of any tenant: name yours as “tenants” in OIDC_PROVIDERS"
            )
        return metadata

    @property
    def basic_auth(self) -> bool:
        """Whether the client's secret goes into the header: so it does where the provider names nothing."""
        chosen = self.get_provider().app.settings["token_auth_method"]
        if chosen:
            return chosen == "client_secret_basic"
        supported = self.openid_config.get("token_endpoint_auth_methods_supported")
        return not supported or (
            "client_secret_post" not in supported and "client_secret_basic" in supported
        )

    def get_callback_url(self, request: HttpRequest, app: Any) -> str:
        path = reverse("openid_connect_callback", kwargs={"provider_id": self.provider_id})
        return links.absolute(path)

    def complete_login(
        self, request: HttpRequest, app: Any, token: Any, **kwargs: Any
    ) -> SocialLogin:
        claims = self.verify(app, kwargs["response"]["id_token"])
        subject = self.subject_of(claims)
        login = self.get_provider().sociallogin_from_response(request, {"id_token": claims})
        login.account.uid = subject
        return login

    def subject_of(self, claims: dict[str, Any]) -> str:
        """Who it is among all whom this provider knows: where it has many tenants, with the tenant."""
        subject = claims["sub"]
        if TENANT in self.openid_config["issuer"]:
            subject = f"{claims['tid'].lower()}:{subject}"
        longest = SocialAccount._meta.get_field("uid").max_length
        if not claims["sub"] or len(subject) > longest:
            raise SignInFailed("the subject of the ID token is empty or too long (sub)")
        return subject

    def verify(self, app: Any, token: str) -> dict[str, Any]:
        """Return the claims of an ID token that this provider has signed for the portal, now.

        Raises ``SignInFailed``, saying which of these is not so.
        """
        try:
            header = jwt.get_unverified_header(token)
        except jwt.InvalidTokenError as error:
            raise SignInFailed("the ID token can't be read") from error
        if header.get("alg") not in ALGORITHMS:
            raise SignInFailed("the ID token is signed in a way that is not accepted (alg)")
        refusal = "none of the provider's keys is the one of the ID token (kid)"
        for entry in self.keys_for(header):
            try:
                claims = self.decode(app, token, jwt.PyJWK(entry, header["alg"]))
            except jwt.InvalidSignatureError as error:
                refusal = _REFUSED[type(error)]
            except (jwt.InvalidTokenError, jwt.PyJWKError, jwt.InvalidKeyError) as error:
                kinds = (said for kind, said in _REFUSED.items() if isinstance(error, kind))
                raise SignInFailed(next(kinds, "the ID token can't be read")) from error
            else:
                self.require_issuer(claims, entry)
                return claims
        raise SignInFailed(refusal)

    def keys_for(self, header: dict[str, Any]) -> list[dict[str, Any]]:
        """The provider's keys that may have signed a token with this header."""
        what = "the address of the provider's keys"
        keys = read_object(what, fetch(what, "GET", self.openid_config["jwks_uri"])).get("keys")
        kind = {"E": "EC", "R": "RSA", "P": "RSA"}[header["alg"][0]]
        kind = "OKP" if header["alg"] == "EdDSA" else kind
        return [
            key
            for key in (keys if isinstance(keys, list) else [])
            if isinstance(key, dict)
            and key.get("kty") == kind
            and key.get("use", "sig") == "sig"
            and key.get("alg", header["alg"]) == header["alg"]
            and ("kid" not in header or key.get("kid") == header["kid"])
        ]

    def decode(self, app: Any, token: str, key: jwt.PyJWK) -> dict[str, Any]:
        claims = jwt.decode(
            token,
            key,
            algorithms=[key.algorithm_name],
            audience=app.client_id,
            leeway=CLOCK_DIFFERENCE,
            options={"require": ["exp", "aud", "iss", "sub"], "verify_iss": False},
        )
        # Given for another client too, it must have been this one that asked for it.
        if claims.get("azp", app.client_id) != app.client_id:
            raise jwt.InvalidAudienceError
        return claims

    def require_issuer(self, claims: dict[str, Any], key: dict[str, Any]) -> None:
        """Refuse a token of somebody else, or of a tenant that the operator has not named."""
        issuer = self.openid_config["issuer"]
        tenants = self.get_provider().app.settings["tenants"]
        tenant = str(claims.get("tid", ""))
        if tenants and tenant.lower() not in tenants:
            raise SignInFailed(
                "the ID token is of a tenant that OIDC_PROVIDERS does not name (tid)"
            )
        expected = {issuer}
        if TENANT in issuer:
            # A key may be one tenant's own; it then says whose tokens it signs.
            named = key.get("issuer", issuer)
            expected = {issuer.replace(TENANT, tenant)} & {str(named).replace(TENANT, tenant)}
        if claims["iss"] not in expected:
            raise SignInFailed("the ID token is of another issuer (iss)")


class PortalProvider(OpenIDConnectProvider):
    oauth2_adapter_class = PortalOpenIDConnect

    # The library would let a link say what to ask for, and where to send the person back to.

    def get_scope_from_request(self, request: HttpRequest) -> list[str]:
        return self.get_scope()

    def get_auth_params_from_request(self, request: HttpRequest, action: str) -> dict[str, str]:
        return self.get_auth_params()
