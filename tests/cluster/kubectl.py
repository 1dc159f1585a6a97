"""kubectl, whatever it is called here."""

import json
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

Document: TypeAlias = Mapping[str, Any]

NAMESPACE = "wattmesh"


class KubectlError(Exception):
    """A command failed; the text is what it said."""


@dataclass(frozen=True)
class Kubectl:
    """Runs `command` with further words, in the mesh's namespace."""

    command: Sequence[str]

    def __call__(self, *words: str, given: str | None = None, seconds: float = 600) -> str:
        """Return what is printed. Error: KubectlError."""
        done = subprocess.run(
            [*self.command, "--namespace", NAMESPACE, *words],
            input=given,
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds,
        )
        if done.returncode != 0:
            raise KubectlError(f"{' '.join(words)}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def apply(self, documents: Sequence[Document]) -> None:
        """Make what the documents say."""
        given = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(documents)})
        self("apply", "--filename", "-", given=given)

    def rolled_out(self, *workloads: str, seconds: int = 600) -> None:
        """Wait until workloads run as they are meant to: `deployment/metering`."""
        for each in workloads:
            self("rollout", "status", each, f"--timeout={seconds}s", seconds=seconds + 30)

    def pods(self, part: str) -> list[str]:
        """Return the names of a part's pods that are not on their way out."""
        found = json.loads(
            self("get", "pods", "-l", f"app.kubernetes.io/name={part}", "--output", "json")
        )
        return [
            each["metadata"]["name"]
            for each in found["items"]
            if "deletionTimestamp" not in each["metadata"]
        ]


def until(what: str, holds: Callable[[], bool], seconds: float) -> None:
    """Wait until something holds; TimeoutError that says what did not."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds:.0f} s: {what}")
        time.sleep(1.0)
