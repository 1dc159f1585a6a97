"""Reads a message of a charge point, which may be anything."""

from datetime import datetime

from wattmesh_gateway.drivers.ocpp.dialect import Dialect
from wattmesh_gateway.drivers.ocpp.heard import Begun, Ended, Heard, Json, Nonsense
from wattmesh_gateway.drivers.ocpp.line import check_payload

_MOST_CONNECTORS = 1000
_LARGEST_NUMBER = 2**53


def hear(dialect: Dialect, action: str, payload: Json, arrival: datetime) -> Heard:
    """Return what a message means; Nonsense when it makes no sense, whatever it is."""
    if not action:
        raise Nonsense("it is no OCPP message")
    check_payload(payload, action, dialect.version)
    try:
        heard = dialect.hear(action, payload, arrival)
        _check(heard)
    except Nonsense:
        raise
    except Exception as error:  # the edge to a peer that may send anything
        raise Nonsense(f"{type(error).__name__}: {error}") from error
    return heard


def _check(heard: Heard) -> None:
    """Refuse what could be kept nowhere."""
    connector = heard.connector
    if connector is not None and not 0 <= connector <= _MOST_CONNECTORS:
        raise Nonsense("there is no such connector")
    texts = [heard.token]
    match heard.transaction:
        case Begun(key=key):
            texts.append(key)
        case Ended(key=key, number=number):
            texts.append(key)
            if number is not None and abs(number) > _LARGEST_NUMBER:
                raise Nonsense("there is no such transaction")
    for text in texts:
        text.encode()
