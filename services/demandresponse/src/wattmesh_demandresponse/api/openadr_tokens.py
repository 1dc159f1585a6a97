"""Who calls the VTN: OAuth 2 client credentials, and tokens that every replica can check."""

import hashlib
import hmac
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from wattmesh_demandresponse.domain.openadr_clients import (
    BUSINESS_SCOPES,
    VEN_SCOPES,
    Client,
    ClientRole,
)
from wattmesh_kernel.errors import FailedPrecondition, Unauthenticated
from wattmesh_runtime.documents import DocumentCodec

LIFETIME = timedelta(hours=1)
_CLIENTS = DocumentCodec[tuple[Client, ...]](tuple[Client, ...])


def read_clients(path: Path) -> tuple[Client, ...]:
    """Return the clients of a file: a JSON list of client_id, role and secret_sha256.

    Error: FailedPrecondition `PRINCIPALS_UNUSABLE`.
    """
    try:
        return _CLIENTS.from_document(json.loads(path.read_text()))
    except (OSError, ValueError) as error:
        raise FailedPrecondition("PRINCIPALS_UNUSABLE", f"{path.name}: {error}") from error


class Tokens:
    """Gives tokens for secrets, and knows whose a token is.

    A token is the client's id, when it ends, and an HMAC of both under the hash of the client's
    secret: nothing is kept, and another secret ends them all. They end by the wall's time.
    """

    def __init__(self, clients: Iterable[Client]) -> None:
        self._clients = {each.client_id: each for each in clients}

    def give(self, client_id: str, secret: str) -> tuple[str, Client]:
        """Return a token. Error: Unauthenticated."""
        client = self._clients.get(client_id)
        given = hashlib.sha256(secret.encode()).hexdigest()
        expected = "" if client is None else client.secret_sha256.lower()
        if client is None or not hmac.compare_digest(given, expected):
            raise Unauthenticated("CREDENTIAL_INVALID", "client or secret is not known")
        end = int((datetime.now(UTC) + LIFETIME).timestamp())
        return f"{client_id}.{end}.{_signed(client, end)}", client

    def whose(self, authorization: str) -> Client:
        """Return who sends a header `Bearer …`. Error: Unauthenticated."""
        scheme, _, token = authorization.partition(" ")
        client_id, _, rest = token.rpartition(".")[0].rpartition(".")
        client, end = self._clients.get(client_id), rest
        if scheme.lower() != "bearer" or client is None or not end.isdecimal() or len(end) > 12:
            raise Unauthenticated("CREDENTIAL_INVALID", "a token of this server is required")
        signed = hmac.compare_digest(token.rpartition(".")[2], _signed(client, int(end)))
        if not signed or datetime.now(UTC).timestamp() >= int(end):
            raise Unauthenticated("CREDENTIAL_INVALID", "the token is not valid, or not any more")
        return client


def scopes_of(client: Client) -> str:
    """Return what a client may do, in OpenADR's words."""
    return " ".join(BUSINESS_SCOPES if client.role is ClientRole.BUSINESS else VEN_SCOPES)


def _signed(client: Client, end: int) -> str:
    key = client.secret_sha256.lower().encode()
    return hmac.new(key, f"{client.client_id}.{end}".encode(), hashlib.sha256).hexdigest()
