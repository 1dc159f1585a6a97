"""Access tokens and API keys, good ones and every way of making a bad one that we know."""

import base64
import hmac
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from pydantic import ValidationError

from tests.fakes.identities import Identities
from tests.fakes.unserved import call, methods, register_all
from wattmesh_kernel.errors import FailedPrecondition
from wattmesh_local.identities.authority import CERTIFICATE
from wattmesh_runtime.access import files
from wattmesh_runtime.access.principals import digest, read_principals
from wattmesh_runtime.settings import ServiceSettings
from wattmesh_runtime.testing import channel_for_test, serve_for_test

ADMITTED = grpc.StatusCode.UNIMPLEMENTED
DENIED = grpc.StatusCode.PERMISSION_DENIED
UNKNOWN = grpc.StatusCode.UNAUTHENTICATED
ISSUER, AUDIENCE = "https://login.example", "wattmesh"

METHODS = {method.name: method for method in methods()}
READ, WRITE = METHODS["ListSites"], METHODS["CreateSite"]
SELF = METHODS["GetCaller"]


@dataclass(frozen=True)
class Issuer:
    """An identity provider: its key, and the file in which ours finds the public half."""

    key: ECKey
    file: Path

    def token(self, *, key: Any = None, header: Any = None, **claims: Any) -> str:
        now = int(time.time())
        standard = {"iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "exp": now + 300, "iat": now}
        wanted = {**standard, "wattmesh_roles": ["engineer"], **claims}
        return jwt.encode(
            header or {"alg": "ES256", "kid": self.key.kid},
            {name: value for name, value in wanted.items() if value is not None},
            key or self.key,
            algorithms=["ES256", "HS256"],
        )


def new_key() -> ECKey:
    key = ECKey.generate_key("P-256", {"use": "sig"})
    key.ensure_kid()
    return key


def publish(file: Path, *keys: ECKey) -> None:
    unfinished = file.with_suffix(".new")
    unfinished.write_text(json.dumps(KeySet(list(keys)).as_dict(private=False)))
    unfinished.replace(file)


@pytest.fixture
def issuer(tmp_path: Path) -> Issuer:
    key = new_key()
    publish(tmp_path / "jwks.json", key)
    return Issuer(key, tmp_path / "jwks.json")


PRINCIPALS: dict[str, Any] = {
    "principals": [
        {
            "name": "tenants/default/principals/ems",
            "kind": "PRINCIPAL_KIND_PROGRAM",
            "role_bindings": [{"role": "ROLE_KIND_ENGINEER"}],
        },
        {
            "name": "tenants/default/principals/gone",
            "role_bindings": [{"role": "ROLE_KIND_ADMIN"}],
            "disabled": True,
        },
        {
            "name": "tenants/default/principals/guest",
            "role_bindings": [
                {"role": "ROLE_KIND_ADMIN", "expire_time": "2020-01-01T00:00:00Z"},
                {"role": "ROLE_KIND_VIEWER"},
            ],
            "credentials": [{"token": {"issuer": ISSUER, "subject": "guest"}}],
        },
    ],
    "api_keys": [
        {
            "principal": "tenants/default/principals/ems",
            "sha256": digest("wm_good"),
            "expire_time": "",
        },
        {
            "principal": "tenants/default/principals/ems",
            "sha256": digest("wm_over"),
            "expire_time": "",
        },
        {
            "principal": "tenants/default/principals/gone",
            "sha256": digest("wm_gone"),
            "expire_time": "",
        },
    ],
}


def write_principals(folder: Path) -> Path:
    document = json.loads(json.dumps(PRINCIPALS))
    for key, days in zip(document["api_keys"], (1, -1, 1), strict=True):
        key["expire_time"] = (datetime.now(UTC) + timedelta(days=days)).isoformat()
    file = folder / "principals.json"
    file.write_text(json.dumps(document))
    return file


@pytest.fixture
async def channel(issuer: Issuer, tmp_path: Path) -> AsyncIterator[grpc.aio.Channel]:
    settings = ServiceSettings(
        oidc_issuer=ISSUER,
        oidc_audience=AUDIENCE,
        oidc_jwks_file=issuer.file,
        principals_file=write_principals(tmp_path),
        shutdown_notice_seconds=0,
        grace_seconds=0.2,
    )
    async with (
        serve_for_test(register_all, settings=settings) as target,
        channel_for_test(target) as opened,
    ):
        yield opened


async def code(channel: grpc.aio.Channel, method: Any, shown: str | None) -> grpc.StatusCode:
    metadata = () if shown is None else (("authorization", shown),)
    return (await call(channel, method, metadata=metadata))[0]


async def test_a_token_brings_the_roles_that_it_names(
    channel: grpc.aio.Channel, issuer: Issuer
) -> None:
    for roles, read, write in (
        (["engineer"], ADMITTED, ADMITTED),
        (["viewer"], ADMITTED, DENIED),
        (["viewer", "made-up"], ADMITTED, DENIED),
        ([], DENIED, DENIED),
        (None, DENIED, DENIED),
        ("admin", DENIED, DENIED),
    ):
        shown = f"Bearer {issuer.token(wattmesh_roles=roles)}"
        for _ in range(2):  # the second time it is known already
            assert await code(channel, READ, shown) is read
            assert await code(channel, WRITE, shown) is write
        assert await code(channel, SELF, shown) is ADMITTED


async def test_a_principal_of_the_file_has_its_own_roles_while_they_last(
    channel: grpc.aio.Channel, issuer: Issuer
) -> None:
    shown = f"Bearer {issuer.token(sub='guest', wattmesh_roles=['admin'])}"
    assert await code(channel, READ, shown) is ADMITTED
    assert await code(channel, WRITE, shown) is DENIED


def unsigned(token: str) -> str:
    """The same claims under `alg: none`."""
    header = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    return f"{header}.{token.split('.')[1]}."


def by_public_key(issuer: Issuer) -> str:
    """Signed with the public key as if it were a shared secret."""
    header = base64.urlsafe_b64encode(b'{"alg":"HS256"}').rstrip(b"=").decode()
    signed = f"{header}.{issuer.token().split('.')[1]}"
    made = hmac.digest(issuer.key.as_pem(private=False), signed.encode(), "sha256")
    return f"{signed}.{base64.urlsafe_b64encode(made).rstrip(b'=').decode()}"


def altered(token: str) -> str:
    head, body, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(f"{body}=="))
    claims["wattmesh_roles"] = ["admin"]
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"{head}.{body}.{signature}"


async def test_no_bad_token_gets_in(channel: grpc.aio.Channel, issuer: Issuer) -> None:
    now = int(time.time())
    stranger = new_key()
    bad = {
        "expired": issuer.token(exp=now - 60),
        "not yet valid": issuer.token(nbf=now + 120),
        "without an end": issuer.token(exp=None),
        "wrong audience": issuer.token(aud="other"),
        "without an audience": issuer.token(aud=None),
        "wrong issuer": issuer.token(iss="https://login.example.evil"),
        "without a subject": issuer.token(sub=None),
        "alg none": unsigned(issuer.token()),
        "public key as secret": by_public_key(issuer),
        "altered": altered(issuer.token()),
        "another's key": issuer.token(key=stranger, header={"alg": "ES256", "kid": stranger.kid}),
        "another's key under a known name": issuer.token(key=stranger),
        "bound where nobody shows a certificate": issuer.token(cnf={"x5t#S256": "x"}),
        "garbage": "a.b.c",
        "empty": "",
    }
    got = {name: await code(channel, READ, f"Bearer {token}") for name, token in bad.items()}
    assert got == dict.fromkeys(bad, UNKNOWN)


def thumbprint(folder: Path) -> str:
    certificate = x509.load_pem_x509_certificate((folder / CERTIFICATE).read_bytes())
    made = certificate.fingerprint(hashes.SHA256())
    return base64.urlsafe_b64encode(made).rstrip(b"=").decode()


async def test_a_token_that_is_bound_to_a_certificate_is_worth_nothing_to_who_captured_it(
    issuer: Issuer, tmp_path: Path
) -> None:
    """Replayed over another's connection it is refused, also once it is known to be good."""
    identities = Identities(tmp_path / "identities")
    ours, thiefs = (f"spiffe://mesh/roles/viewer/{name}" for name in ("alice", "mallory"))
    settings = identities.server(
        oidc_issuer=ISSUER, oidc_audience=AUDIENCE, oidc_jwks_file=issuer.file
    )
    held = identities.of(ours)
    bound = {"x5t#S256": thumbprint(identities.folder / ours.replace("/", "_").replace(":", ""))}
    captured = f"Bearer {issuer.token(cnf=bound)}"
    async with (
        serve_for_test(register_all, settings=settings) as target,
        channel_for_test(target, held) as own,
        channel_for_test(target, identities.of(thiefs)) as theirs,
    ):
        assert await code(own, WRITE, captured) is ADMITTED
        assert await code(theirs, WRITE, captured) is UNKNOWN
        assert await code(theirs, READ, captured) is UNKNOWN, "not even what their own would do"
        for other in ({"jkt": "x"}, {**bound, "jkt": "x"}, {}, "x", None, {"x5t#S256": None}):
            shown = f"Bearer {issuer.token(cnf=other)}"
            wanted = ADMITTED if other is None else UNKNOWN  # None: it is not bound
            assert await code(own, WRITE, shown) is wanted, other


async def test_nothing_shown_and_nothing_known_is_nobody(
    channel: grpc.aio.Channel, issuer: Issuer
) -> None:
    for shown in (None, "", "Basic YTpi", issuer.token(), "bearer x", "Bearer wm_unknown"):
        assert await code(channel, READ, shown) is UNKNOWN


async def test_a_key_works_until_it_ends_or_its_owner_is_disabled(
    channel: grpc.aio.Channel,
) -> None:
    assert await code(channel, WRITE, "Bearer wm_good") is ADMITTED
    assert await code(channel, WRITE, "Bearer wm_over") is UNKNOWN
    assert await code(channel, READ, "Bearer wm_gone") is DENIED


async def test_a_withdrawn_signing_key_takes_its_tokens_with_it(
    channel: grpc.aio.Channel, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "LOOK_SECONDS", 0.0)
    shown = f"Bearer {issuer.token()}"
    assert await code(channel, READ, shown) is ADMITTED
    publish(issuer.file, new_key())
    deadline = time.monotonic() + 10
    while await code(channel, READ, shown) is not UNKNOWN:
        assert time.monotonic() < deadline


def test_half_of_an_issuer_does_not_start(issuer: Issuer) -> None:
    with pytest.raises(ValidationError, match="belong together"):
        ServiceSettings(oidc_issuer=ISSUER)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        '{"principals": [{"name": "alice"}]}',
        '{"principals": [{"name": "tenants/a/principals/b", "rolle": "x"}]}',
        '{"principals": [{"name": "tenants/a/principals/b", "max_priority": 5000}]}',
        '{"principals": [{"name": "tenants/a/principals/b"}, {"name": "tenants/a/principals/b"}]}',
        '{"principals": [{"name": "tenants/a/principals/b",'
        ' "role_bindings": [{"role": "ROLE_KIND_ADMIN", "scope": "sites/home-1"}]}]}',
        '{"api_keys": [{"principal": "tenants/a/principals/b", "sha256": "x"}]}',
    ],
)
def test_principals_that_make_no_sense_do_not_start(tmp_path: Path, text: str) -> None:
    """Above all a role for one site alone: taken for a role everywhere, it would be too much."""
    file = tmp_path / "principals.json"
    file.write_text(text)
    with pytest.raises(FailedPrecondition, match=r"principals\.json"):
        read_principals(file)
