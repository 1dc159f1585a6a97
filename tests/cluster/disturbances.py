"""What operators and machines do to a running mesh, one after the other."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from tests.cluster.drain import drain
from tests.cluster.identities import Identities
from tests.cluster.kubectl import Kubectl, until
from tests.cluster.rotation import change_authority, rotate
from tests.cluster.site_resource import try_site

ROLLED = (
    *("deployment/metering", "deployment/control", "deployment/planner", "deployment/forecast"),
    *("deployment/optimizer", "deployment/carbon", "deployment/usage", "deployment/demandresponse"),
    *("deployment/analytics", "deployment/alerting", "deployment/dashboard", "statefulset/gateway"),
    "statefulset/siteoperator",
)
KILLED = ("metering", "control", "planner", "forecast", "optimizer", "gateway", "twin")
SCALED = ("metering", "control", "planner", "optimizer")


@dataclass(frozen=True, kw_only=True)
class Disturbance:
    """Something that is done; it returns when the mesh has gone over it.

    `calls_may_fail`: a part of which there is one is away meanwhile, and calls are told so.
    """

    name: str
    act: Callable[[Kubectl], None]
    calls_may_fail: bool = False


def disturbances(identities: Identities) -> Iterator[Disturbance]:
    """Yield all of them, in order."""
    yield Disturbance(name="a site as a resource", act=try_site)
    for workload in ROLLED:
        yield Disturbance(name=f"roll {workload}", act=_rolling(workload))
    for part in KILLED:
        yield Disturbance(name=f"delete a pod of {part}", act=_deleting(part))
    yield Disturbance(name="one, three, one", act=_scale)
    yield Disturbance(name="drain the node", act=drain)
    yield Disturbance(name="new certificates", act=partial(rotate, identities=identities))
    yield Disturbance(
        name="another authority", act=partial(change_authority, identities=identities)
    )
    yield Disturbance(name="restart the broker", act=_deleting("broker"))
    yield Disturbance(name="restart the database", act=_deleting("database"), calls_may_fail=True)


def _rolling(workload: str) -> Callable[[Kubectl], None]:
    def act(kubectl: Kubectl) -> None:
        kubectl("rollout", "restart", workload)
        kubectl.rolled_out(workload)

    return act


def _deleting(part: str) -> Callable[[Kubectl], None]:
    def act(kubectl: Kubectl) -> None:
        (pod, *others) = kubectl.pods(part)
        before = {pod, *others}
        kubectl("delete", "pod", pod)
        kind = "statefulset" if pod.endswith("-0") else "deployment"
        until(f"{part} is there again", lambda: len(kubectl.pods(part)) >= len(before), 120)
        kubectl.rolled_out(f"{kind}/{part}")

    return act


def _scale(kubectl: Kubectl) -> None:
    for replicas in (3, 1):
        for part in SCALED:
            kubectl("scale", f"deployment/{part}", f"--replicas={replicas}")
        kubectl.rolled_out(*(f"deployment/{part}" for part in SCALED))
