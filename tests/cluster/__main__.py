"""`python -m tests.cluster`: the whole mesh on a real Kubernetes, disturbed; JSON.

    --kubectl "kubectl"        how kubectl is called here
    --load "…"                 loads the image whose name is added; without, the cluster has all
    --build "podman build"     makes the images first, with these words before `--tag`
    --base IMAGE               Debian with Python that the images are made from
    --rate 10                  simulated seconds a second: a plan every 15 simulated minutes
    --only WORD                only disturbances whose name has one of these words in it
    --keep                     leave the mesh in the cluster

It applies a simulated home with identities, waits until commands have been verified there, and
then rolls, kills, scales, drains and restarts every part and replaces certificates, while a pod
calls all of them five times a second. Then it compares what the home published with what is
stored, asks after plans and commands, and has the database held against the home's own ledger.
The exit status is 0 when no call failed (but while the one database was away), no reading is
missing or there twice, no command failed, was lost or held a device beside another, no plan was
late or failed, nobody without a certificate was let in, and the mesh went over each disturbance as
it should.
"""

import argparse
import json
import shlex
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.chaos.auditor import UNDER_WAY
from tests.cluster.audit import audited
from tests.cluster.disturbances import disturbances
from tests.cluster.identities import Identities
from tests.cluster.images import build, load
from tests.cluster.kubectl import NAMESPACE, Kubectl, KubectlError, until
from tests.cluster.manifests import HISTORY_DAYS, documents, names
from tests.cluster.verdict import Verdict, judged
from tests.fakes.twin_folders import FIRST_ROW
from wattmesh_kernel.clock import ScaledClock, format_clock_spec

BEGIN = (FIRST_ROW + timedelta(days=HISTORY_DAYS)).replace(hour=15, tzinfo=UTC)
"""When the simulated time begins: the sun shines on the home."""
STARTING_SECONDS = 900
SETTLING_SECONDS = 120


def main() -> int:
    """Run it, print what came of it, and say whether it was sound."""
    parser = argparse.ArgumentParser(prog="python -m tests.cluster")
    parser.add_argument("--kubectl", default="kubectl")
    parser.add_argument("--load", default="")
    parser.add_argument("--build", default="")
    parser.add_argument("--base", default="docker.io/library/python:3.11-slim-bookworm")
    parser.add_argument("--rate", type=float, default=10.0)
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--keep", action="store_true")
    arguments = parser.parse_args()
    if arguments.build:
        build(shlex.split(arguments.build), arguments.base)
    if arguments.load:
        load(shlex.split(arguments.load))
    kubectl = Kubectl(shlex.split(arguments.kubectl))
    try:
        with tempfile.TemporaryDirectory() as folder:
            verdict = _run(kubectl, arguments.rate, arguments.only, Path(folder))
    finally:
        if not arguments.keep:
            with suppress(KubectlError):  # while its operator lives: it would hold the namespace
                kubectl("delete", "site", "--all", "--timeout=60s")
            kubectl("delete", "namespace", NAMESPACE, "--wait=false")
    print(json.dumps(verdict.content, indent=2))
    return 0 if verdict.sound else 1


def _run(kubectl: Kubectl, rate: float, only: Sequence[str], folder: Path) -> Verdict:
    identities = Identities(folder)
    clock = ScaledClock(BEGIN, datetime.now(UTC), rate)
    _start(kubectl, clock, identities, folder)
    strangers = kubectl.asked("strangers")
    since = time.time()
    told = dict[str, float]()
    amiss = dict[str, str]()
    may_fail = list[tuple[float, float]]()
    for each in disturbances(identities):
        if only and not any(word in each.name for word in only):
            continue
        _say(each.name)
        began = time.time()
        try:
            each.act(kubectl)
        except (AssertionError, TimeoutError, KubectlError) as error:
            amiss[each.name] = str(error)
            _say(f"{each.name}: {error}")
        told[each.name] = round(time.time() - began, 1)
        if each.calls_may_fail:
            may_fail.append((began, time.time() + SETTLING_SECONDS / 4))
    _say("letting it settle")
    time.sleep(SETTLING_SECONDS)
    published = _published(kubectl)
    _say("waiting until the gateway has handed everything on")
    with suppress(TimeoutError):  # what is not stored then is said by device
        until("nothing is in the spool", lambda: not _spooled(kubectl), SETTLING_SECONDS)
    asked = _ask(kubectl)
    broken = audited(kubectl, folder, BEGIN, clock.now() - UNDER_WAY)
    return judged(
        asked=asked,
        calls=[each for each in _calls(kubectl) if each["second"] >= since],
        published=published,
        published_since=_published(kubectl),
        took=told,
        may_fail=may_fail,
        disturbed=amiss,
        strangers=strangers,
        broken=broken,
    )


def _start(kubectl: Kubectl, clock: ScaledClock, identities: Identities, folder: Path) -> None:
    every = documents(format_clock_spec(clock), folder, identities)
    _say(f"applying {len(every)} documents")
    kubectl.apply(every)
    _say("waiting for the database's schemas")
    for job in names(every, "Job"):
        kubectl(
            "wait", job, "--for=condition=complete", f"--timeout={STARTING_SECONDS}s", seconds=960
        )
    _say("waiting for every part")
    kubectl.rolled_out(*names(every, "Deployment"), *names(every, "StatefulSet"))
    _say("waiting for a command that is verified")
    until("a command is verified", lambda: _verified(kubectl) > 0, STARTING_SECONDS)


def _verified(kubectl: Kubectl) -> int:
    try:
        return int(_ask(kubectl)["commands"].get("verified", 0))
    except KubectlError as error:
        _say(str(error).splitlines()[-1])
        return 0


def _spooled(kubectl: Kubectl) -> int:
    return int(_ask(kubectl)["gateway"].get("readings_spooled", 0))


def _ask(kubectl: Kubectl) -> dict[str, Any]:
    asked: dict[str, Any] = kubectl.asked("ask")
    return asked


def _calls(kubectl: Kubectl) -> list[dict[str, Any]]:
    lines = kubectl("logs", "caller").splitlines()
    return [json.loads(line) for line in lines if line.startswith('{"second"')]


def _published(kubectl: Kubectl) -> dict[str, int]:
    """Return how many readings each simulated meter had confirmed by the broker."""
    text = kubectl("exec", "twin-0", "--", "cat", "/data/ledger/published.jsonl")
    seen = {}
    for line in map(json.loads, text.splitlines()):
        seen[line["device"], line["measure_time"]] = int(line["points"])
    counts = dict[str, int]()
    for (device, _), points in seen.items():
        counts[device] = counts.get(device, 0) + points
    return counts


def _say(text: str) -> None:
    print(f"{datetime.now().astimezone():%H:%M:%S} {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
