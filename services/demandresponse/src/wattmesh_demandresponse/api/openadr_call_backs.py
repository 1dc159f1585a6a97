"""Where somebody else's VTN calls us back: that it did is all that is taken from it."""

import hmac
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

PATH = "/openadr3/call-backs"


def call_back_route(token: str, rouse: Callable[[], None]) -> Route:
    """Return the route; who does not show the token is 401. What it says is asked for anew."""

    async def handle(request: Request) -> Response:
        given = request.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
            return Response(status_code=401, headers={"www-authenticate": "Bearer"})
        rouse()
        return Response(status_code=200)

    return Route(PATH, handle, methods=["POST"])
