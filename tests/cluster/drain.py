"""A node that is emptied for its maintenance: disruption budgets leave one pod of each part."""

import time

from tests.cluster.kubectl import Kubectl, until

SPREAD = ("metering", "control", "planner", "optimizer", "carbon", "usage")
"""Parts of which there may be two; single ones come and go as when a pod is deleted."""
PATIENCE_SECONDS = 300
REFUSED_SECONDS = 15


def drain(kubectl: Kubectl) -> None:
    """Drain the node that has metering, with two pods of each part, and let it serve again.

    Where there is no other node, what is evicted finds no place: budgets then keep the second pod,
    until the node takes pods again.
    """
    _scale(kubectl, 2)
    (pod, *_) = kubectl.found("pods", "app.kubernetes.io/name=metering")
    node = pod["spec"]["nodeName"]
    words = ("--delete-emptydir-data", "--ignore-daemonsets", f"--timeout={PATIENCE_SECONDS}s")
    chosen = f"--pod-selector=app.kubernetes.io/name in ({','.join(SPREAD)})"
    draining = kubectl.begin("drain", node, *words, chosen)
    try:
        until(
            "one pod of each is evicted",
            lambda: draining.poll() is not None or all(_held(kubectl, part) for part in SPREAD),
            120,
        )
        if draining.poll() is None:
            time.sleep(REFUSED_SECONDS)  # evictions are asked for again every 5 s, and refused
            broken = [part for part in SPREAD if not _ready(kubectl, part)]
            if broken:
                raise AssertionError(f"budgets did not keep a pod of {', '.join(broken)}")
    finally:
        kubectl("uncordon", node)
    told, _ = draining.communicate(timeout=PATIENCE_SECONDS + 30)
    if draining.returncode != 0:
        raise AssertionError(f"the node was not drained: {told[-500:]}")
    _scale(kubectl, 1)


def _scale(kubectl: Kubectl, replicas: int) -> None:
    for part in SPREAD:
        kubectl("scale", f"deployment/{part}", f"--replicas={replicas}")
    kubectl.rolled_out(*(f"deployment/{part}" for part in SPREAD))


def _held(kubectl: Kubectl, part: str) -> bool:
    return len(_ready(kubectl, part)) == 1 and len(kubectl.pods(part)) == 2


def _ready(kubectl: Kubectl, part: str) -> list[str]:
    return [
        each["metadata"]["name"]
        for each in kubectl.found("pods", f"app.kubernetes.io/name={part}")
        if "deletionTimestamp" not in each["metadata"]
        and {"type": "Ready", "status": "True"}.items()
        <= next(
            (c for c in each["status"].get("conditions", ()) if c["type"] == "Ready"), {}
        ).items()
    ]
