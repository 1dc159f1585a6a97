"""Certificates that are replaced while everything runs, and then whoever vouches for them."""

import time
from collections.abc import Mapping

from tests.cluster.caller import READS
from tests.cluster.identities import CALLER, Identities
from tests.cluster.kubectl import Kubectl, KubectlError, until

BROUGHT_SECONDS = 300
"""Kubelets bring a Secret that changed with their next look at a pod, by a cache of it."""
RECONNECTED_SECONDS = 75
"""Servers have callers connect anew after WATTMESH_MAX_CONNECTION_AGE_SECONDS (60) and a little."""


def rotate(kubectl: Kubectl, identities: Identities) -> None:
    """Give everybody a new certificate; return when all show it, none of them started anew."""
    before = starts(kubectl)
    identities.issue()
    _bring(kubectl, identities)
    until("all show their new certificate", lambda: _all_show(kubectl, identities), 120)
    _none_started(before, kubectl)


def change_authority(kubectl: Kubectl, identities: Identities) -> None:
    """Replace the authority: trust both, issue by the new one, trust it alone."""
    before = starts(kubectl)
    identities.trust_another()
    _bring(kubectl, identities)
    identities.issue()
    _bring(kubectl, identities)
    until("all show their new certificate", lambda: _all_show(kubectl, identities), 120)
    time.sleep(RECONNECTED_SECONDS)  # as callers, too
    identities.trust_newest_alone()
    _bring(kubectl, identities)
    time.sleep(RECONNECTED_SECONDS)  # from now on whoever shows an old one is nobody
    _none_started(before, kubectl)


def starts(kubectl: Kubectl) -> Mapping[str, int]:
    """Return how often each pod's containers were started again, by the pod's id."""
    return {
        each["metadata"]["uid"]: sum(
            container["restartCount"] for container in each["status"].get("containerStatuses", ())
        )
        for each in kubectl.found("pods", "app.kubernetes.io/name notin (migration)")
    }


def started_anew(before: Mapping[str, int], after: Mapping[str, int]) -> Mapping[str, int]:
    """Return the pods that are new, or were started again since.

    One that is gone and has nobody in its place was on its way out already.
    """
    return {pod: count for pod, count in after.items() if before.get(pod) != count}


def _none_started(before: Mapping[str, int], kubectl: Kubectl) -> None:
    if anew := started_anew(before, starts(kubectl)):
        told = "\n".join(_last_words(kubectl, pod) for pod in anew)
        raise AssertionError(f"pods were started anew: {anew}, before: {before}\n{told}")


def _last_words(kubectl: Kubectl, uid: str) -> str:
    """Return how the containers of a pod ended last, and what they had said by then."""
    pods = kubectl.found("pods", None)
    pod = next(each for each in pods if each["metadata"]["uid"] == uid)
    name = pod["metadata"]["name"]
    states = [each.get("lastState") for each in pod["status"].get("containerStatuses", ())]
    try:
        said = kubectl("logs", name, "--all-containers", "--previous", "--tail", "80")
    except KubectlError as error:
        said = str(error)
    return f"{name} ended: {states}\n{said}"


def _bring(kubectl: Kubectl, identities: Identities) -> None:
    kubectl.apply(identities.secrets())
    waiting = {holder: kubectl.pods(holder) for holder in identities.holders - {CALLER}}
    waiting[CALLER] = ["caller"]

    def brought() -> bool:
        for holder, pods in list(waiting.items()):
            wanted = identities.certificate(holder) + identities.roots
            if all(_held(kubectl, pod) == wanted for pod in pods):
                del waiting[holder]
        return not waiting

    until("all have their new files", brought, BROUGHT_SECONDS)


def _held(kubectl: Kubectl, pod: str) -> str:
    """Return a pod's certificate and whom it trusts; nothing of one that is being started anew."""
    try:
        return kubectl("exec", pod, "--", "cat", "/identity/tls.crt", "/identity/ca.crt")
    except KubectlError:
        return ""


def _all_show(kubectl: Kubectl, identities: Identities) -> bool:
    shown = kubectl.asked("shown")
    return all(set(shown[part]) == {identities.certificate(part)} for part in READS)
