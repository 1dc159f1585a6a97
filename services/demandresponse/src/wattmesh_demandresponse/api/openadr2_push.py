"""Where a VTN of OpenADR 2.0b calls us: simple HTTP, push."""

import logging
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from wattmesh_demandresponse.api.openadr_web import bytes_of
from wattmesh_kernel.errors import InvalidArgument, Unauthenticated, WattmeshError

_log = logging.getLogger(__name__)

PATH = "/OpenADR2/Simple/2.0b"
_XML = "application/xml"


def push_route(take: Callable[[str, bytes], Awaitable[bytes]]) -> Route:
    """Return the route. `take` answers a call of a service; what it refuses harms no other call.

    400: that is no message of OpenADR 2.0b; 403: the VTN did not sign it; 503: call again.
    """

    async def handle(request: Request) -> Response:
        if not request.headers.get("content-type", "").lower().startswith(_XML):
            return _refused(400, f"the content type is {_XML}")
        try:
            answer = await take(request.path_params["service"], await bytes_of(request))
        except InvalidArgument as error:
            return _refused(400, error.message)
        except Unauthenticated as error:
            return _refused(403, error.message)
        except WattmeshError as error:
            _log.warning("a call of the VTN of OpenADR 2.0b is not taken: %s", error.message)
            return _refused(503, "call again later")
        except Exception:  # the edge: a fault of ours is told without its words
            _log.exception("a call of the VTN of OpenADR 2.0b failed")
            return _refused(500, "a fault of the VEN; its log knows more")
        return Response(answer, media_type=_XML)

    return Route(f"{PATH}/{{service}}", handle, methods=["POST"])


def _refused(status: int, why: str) -> Response:
    return Response(why, status_code=status, media_type="text/plain")
