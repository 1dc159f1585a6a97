"""Posts call-backs to OpenADR's subscribers."""

import json

from wattmesh_demandresponse.domain.subscriptions import CallBack
from wattmesh_runtime.web_client import WebClient

_TIMEOUT_SECONDS = 5.0
_LARGEST_ANSWER = 1_000_000
_GONE = (404, 410)


class HttpCallBacks:
    """Plain HTTP: what a subscriber answers is not looked at, only whether it took it."""

    def __init__(self) -> None:
        self._web = WebClient("it", seconds=_TIMEOUT_SECONDS, most_bytes=_LARGEST_ANSWER)

    async def post(self, call_back: CallBack) -> bool:
        """Post it; False: there is nobody there any more (404, 410). Error: Unavailable."""
        headers = {"Content-Type": "application/json"}
        if call_back.token:
            headers["Authorization"] = f"Bearer {call_back.token}"
        body = json.dumps(call_back.body).encode()
        answer = await self._web.ask(call_back.url, headers=headers, body=body)
        if answer.status in _GONE:
            return False
        answer.whole()
        return True
