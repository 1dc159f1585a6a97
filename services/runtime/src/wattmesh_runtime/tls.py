"""TLS from certificate files; without them, plaintext."""

import grpc

from wattmesh_runtime.settings import ServiceSettings


def server_credentials(settings: ServiceSettings) -> grpc.ServerCredentials | None:
    """Return what a server shows; with a CA file, callers must show a certificate of it too."""
    if settings.tls_certificate_file is None or settings.tls_key_file is None:
        return None
    pair = (settings.tls_key_file.read_bytes(), settings.tls_certificate_file.read_bytes())
    roots = settings.tls_ca_file.read_bytes() if settings.tls_ca_file else None
    return grpc.ssl_server_credentials([pair], roots, require_client_auth=roots is not None)


def channel_credentials(settings: ServiceSettings) -> grpc.ChannelCredentials | None:
    """Return what a caller trusts (the CA file, else the system's roots) and shows."""
    if settings.tls_certificate_file is None and settings.tls_ca_file is None:
        return None
    certificate, key = settings.tls_certificate_file, settings.tls_key_file
    return grpc.ssl_channel_credentials(
        root_certificates=settings.tls_ca_file.read_bytes() if settings.tls_ca_file else None,
        private_key=key.read_bytes() if key else None,
        certificate_chain=certificate.read_bytes() if certificate else None,
    )
