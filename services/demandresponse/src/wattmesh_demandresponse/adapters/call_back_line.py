"""Posts call-backs to OpenADR's subscribers."""

import asyncio
import json
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from wattmesh_demandresponse.domain.subscriptions import CallBack
from wattmesh_kernel.errors import Unavailable

_TIMEOUT_SECONDS = 5.0
_THREADS = 8
_GONE = (404, 410)


class HttpCallBacks:
    """Plain HTTP, in threads of its own: a slow subscriber holds up nobody else's work."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="call-back")
        self._opener = urllib.request.build_opener(_NoRedirects)

    async def post(self, call_back: CallBack) -> bool:
        """Post it; False: there is nobody there any more (404, 410). Error: Unavailable."""
        return await asyncio.get_running_loop().run_in_executor(
            self._threads, self._posted, call_back
        )

    def _posted(self, call_back: CallBack) -> bool:
        headers = {"Content-Type": "application/json"}
        if call_back.token:
            headers["Authorization"] = f"Bearer {call_back.token}"
        try:
            request = urllib.request.Request(
                call_back.url,
                data=json.dumps(call_back.body).encode(),
                headers=headers,
                method="POST",
            )
            with self._opener.open(request, timeout=_TIMEOUT_SECONDS):
                return True
        except urllib.error.HTTPError as error:
            if error.code in _GONE:
                return False
            raise Unavailable("DEPENDENCY_UNAVAILABLE", f"it answered {error.code}") from error
        except (OSError, ValueError) as error:
            raise Unavailable("DEPENDENCY_UNAVAILABLE", f"it did not answer: {error}") from error


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Where one is sent to need not be a host that may be called."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Follow none."""
