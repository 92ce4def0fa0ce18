"""Only the dashboard's own page, and programs that are no browser, may use the relay."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

POLICY_VIOLATION = 1008
SENTENCE = "This request does not come from the dashboard's own page."


def is_own_page(scope: Scope) -> bool:
    """Tell whether a request comes from this server's page, or from no page at all.

    A browser says so itself. It names the page's origin in ``Origin`` for what can
    change something or is read by a script, and in ``Sec-Fetch-Site`` how the page
    is related to the address, which covers images, scripts, forms and links too.
    Tools such as curl send neither.
    """
    headers = Headers(scope=scope)
    own = f"http://{headers.get('host', '')}".lower()
    if any(origin.lower() != own for origin in headers.getlist("origin")):
        return False
    return all(is_own_site(site, scope, headers) for site in headers.getlist("sec-fetch-site"))


def is_own_site(site: str, scope: Scope, headers: Headers) -> bool:
    """Judge ``Sec-Fetch-Site``: ``none`` is a person who typed or bookmarked the address."""
    if site == "none":
        is_get = scope["type"] == "http" and scope["method"] == "GET"
        return is_get and headers.get("sec-fetch-mode") == "navigate"
    return site == "same-origin"


class OwnPageOnly:
    """Passes the own page's calls on and refuses all others."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve or refuse one call."""
        if is_own_page(scope):
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": SENTENCE})
        else:
            await JSONResponse({"error": SENTENCE}, 403)(scope, receive, send)
