"""TLS between a server and a channel, with certificates made for the test."""

from pathlib import Path

import grpc
import pytest
import trustme
from pydantic import ValidationError

from tests.fakes.probe_service import ProbeService, ProbeStub, text
from wattmesh_runtime.settings import ServiceSettings
from wattmesh_runtime.testing import channel_for_test, serve_for_test


class Authority:
    """A CA and one certificate of it, as files."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.roots, self.certificate, self.key = (
            folder / name for name in ("ca.pem", "tls.pem", "tls.key")
        )
        authority = trustme.CA()
        leaf = authority.issue_cert("127.0.0.1", "localhost")
        authority.cert_pem.write_to_path(self.roots)
        leaf.private_key_pem.write_to_path(self.key)
        for blob in leaf.cert_chain_pems:
            blob.write_to_path(self.certificate, append=True)


@pytest.fixture
def ours(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "ours")


@pytest.fixture
def strangers(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "strangers")


def settings(*, shown: Authority | None, trusted: Authority | None) -> ServiceSettings:
    return ServiceSettings(
        tls_certificate_file=shown.certificate if shown else None,
        tls_key_file=shown.key if shown else None,
        tls_ca_file=trusted.roots if trusted else None,
        shutdown_notice_seconds=0,
        grace_seconds=0.2,
    )


async def call(server: ServiceSettings, client: ServiceSettings) -> str:
    async with (
        serve_for_test(ProbeService().register, settings=server) as target,
        channel_for_test(target, client) as channel,
    ):
        answer = await ProbeStub(channel).Unary(text("secret"), wait_for_ready=False, timeout=5)
        return str(answer.value)


async def refusal(server: ServiceSettings, client: ServiceSettings) -> grpc.StatusCode:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call(server, client)
    return caught.value.code()


async def test_services_of_one_authority_talk(ours: Authority) -> None:
    both = settings(shown=ours, trusted=ours)
    assert await call(both, both) == "secret"


async def test_a_server_without_roots_asks_nobody_for_a_certificate(ours: Authority) -> None:
    server = settings(shown=ours, trusted=None)
    assert await call(server, settings(shown=None, trusted=ours)) == "secret"


async def test_a_caller_without_a_certificate_is_refused(ours: Authority) -> None:
    server = settings(shown=ours, trusted=ours)
    client = settings(shown=None, trusted=ours)
    assert await refusal(server, client) is grpc.StatusCode.UNAVAILABLE


async def test_a_stranger_is_refused_on_either_side(ours: Authority, strangers: Authority) -> None:
    server = settings(shown=ours, trusted=ours)
    caller = settings(shown=strangers, trusted=ours)
    impostor = settings(shown=strangers, trusted=None)
    assert await refusal(server, caller) is grpc.StatusCode.UNAVAILABLE
    assert await refusal(impostor, settings(shown=None, trusted=ours)) is (
        grpc.StatusCode.UNAVAILABLE
    )


async def test_a_plaintext_caller_is_refused(ours: Authority) -> None:
    server = settings(shown=ours, trusted=ours)
    client = settings(shown=None, trusted=None)
    assert await refusal(server, client) is grpc.StatusCode.UNAVAILABLE


def test_a_certificate_without_its_key_is_refused(ours: Authority) -> None:
    with pytest.raises(ValidationError, match="belong together"):
        ServiceSettings(tls_certificate_file=ours.certificate)
