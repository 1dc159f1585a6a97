"""Register certificates, and spend them once."""

from collections.abc import Sequence
from dataclasses import replace

from wattmesh_carbon.app.ports import CertificateStore
from wattmesh_carbon.domain.certificates import Certificate, Retirement
from wattmesh_kernel.checks import require_text
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import AlreadyExists, NotFound
from wattmesh_kernel.ids import CertificateId, ZoneId
from wattmesh_kernel.paging import page_size


class KeepCertificates:
    """The use cases around one store of certificates."""

    def __init__(self, store: CertificateStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def register(self, certificate: Certificate) -> Certificate:
        """Keep a certificate; a repeat returns the first. Error: AlreadyExists."""
        kept = await self._store.register(certificate)
        if replace(kept, retirements=()) != certificate:
            raise AlreadyExists(
                "CERTIFICATE_EXISTS",
                f"{kept.id}, number {kept.serial_number} of {kept.issuer}, is there already",
            )
        return kept

    async def get(self, name: CertificateId) -> Certificate:
        """Return a certificate. Error: NotFound."""
        return _found(await self._store.get(name), name)

    async def page(
        self, zone: ZoneId | None, size: int, token: str
    ) -> tuple[Sequence[Certificate], str]:
        """Return a page by name, and the token of the next."""
        count = page_size(size)
        found = await self._store.page(zone, token, count + 1)
        return found[:count], found[count - 1].id.name if len(found) > count else ""

    async def retire(
        self, name: CertificateId, retirement: Retirement, request_id: str
    ) -> Certificate:
        """Spend energy of a certificate for good; a repeat spends nothing more.

        Errors: NotFound; FailedPrecondition `CERTIFICATE_SPENT`, `CERTIFICATE_EXPIRED`.
        """
        require_text(request_id, 128, "request_id", required=True)
        kept = await self._store.retire(name, retirement, request_id, self._clock.now())
        return _found(kept, name)


def _found(certificate: Certificate | None, name: CertificateId) -> Certificate:
    if certificate is None:
        raise NotFound("CERTIFICATE_NOT_FOUND", f"there is no {name}")
    return certificate
