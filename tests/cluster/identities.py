"""Identities as Secrets, in the place of what cert-manager's CSI driver would write into each pod.

What each pod asks of that driver is what it gets here: the URI and the names in its volume's
attributes, from an authority of this run. Kubelets bring a Secret that changes to the pods that
have it, within a minute or two.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeAlias

from tests.cluster.kubectl import NAMESPACE
from wattmesh_local.identities.authority import CERTIFICATE, KEY, ROOTS, Authority, Subject
from wattmesh_local.identities.folder import person_subject

Document: TypeAlias = dict[str, Any]

DRIVER = "csi.cert-manager.io"
CALLER = "caller"
VARIABLES = re.compile(r"\$\{(\w+)\}")
LIFE = timedelta(hours=24)


class Identities:
    """The identities of everything that runs, and the authorities that vouch for them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0
        self._subjects: dict[str, Subject] = {CALLER: person_subject(CALLER, "viewer")}
        self._issued: dict[str, tuple[bytes, bytes]] = {}
        self._authority = self._another()
        self._trusted = [self._authority]

    def _another(self) -> Authority:
        self._count += 1
        return Authority.open(self._folder / f"authority-{self._count}")

    def give(self, workload: str, pod: Document) -> None:
        """Have a pod's volume hold a Secret of ours where it is the driver's."""
        for volume in pod.get("volumes", ()):
            if volume.get("csi", {}).get("driver") == DRIVER:
                asked = volume.pop("csi")["volumeAttributes"]
                self._subjects[workload] = _subject(asked, pod["serviceAccountName"])
                volume["secret"] = secret_volume(workload)

    @property
    def holders(self) -> frozenset[str]:
        """Who has an identity."""
        return frozenset(self._subjects)

    def issue(self) -> None:
        """Issue everybody's anew, by the newest authority."""
        self._issued = {
            name: self._authority.issue(subject, LIFE) for name, subject in self._subjects.items()
        }

    def trust_another(self) -> None:
        """Begin a new authority, which is trusted beside the one before."""
        self._authority = self._another()
        self._trusted.append(self._authority)

    def trust_newest_alone(self) -> None:
        """Trust no authority but the newest."""
        self._trusted = [self._authority]

    @property
    def roots(self) -> str:
        """Who is trusted, as everybody's ca.crt says it."""
        return b"".join(each.roots for each in self._trusted).decode()

    def certificate(self, holder: str) -> str:
        """What a holder shows, as its tls.crt says it."""
        return self._issued[holder][0].decode()

    def secrets(self) -> list[Document]:
        """Return a Secret for each holder."""
        return [
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": f"{name}-identity", "namespace": NAMESPACE},
                "stringData": {
                    CERTIFICATE: certificate.decode(),
                    KEY: key.decode(),
                    ROOTS: self.roots,
                },
            }
            for name, (certificate, key) in self._issued.items()
        ]


def secret_volume(holder: str) -> Document:
    """Return where a pod's volume takes a holder's identity from."""
    return {"secretName": f"{holder}-identity", "defaultMode": 0o440}


def _subject(asked: Mapping[str, str], account: str) -> Subject:
    values = {"POD_NAMESPACE": NAMESPACE, "SERVICE_ACCOUNT_NAME": account}

    def filled(text: str) -> str:
        return VARIABLES.sub(lambda found: values[found.group(1)], text)

    names = filled(asked[f"{DRIVER}/dns-names"]).split(",")
    return Subject(uri=filled(asked[f"{DRIVER}/uri-sans"]), names=tuple(names))
