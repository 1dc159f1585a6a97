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

    def begin(self, *words: str) -> "subprocess.Popen[str]":
        """Return a command that runs on, with both of its outputs in one."""
        return subprocess.Popen(
            [*self.command, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def apply(self, documents: Sequence[Document]) -> None:
        """Make what the documents say."""
        given = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(documents)})
        self("apply", "--filename", "-", given=given)

    def rolled_out(self, *workloads: str, seconds: int = 600) -> None:
        """Wait until workloads run as they are meant to: `deployment/metering`."""
        for each in workloads:
            self("rollout", "status", each, f"--timeout={seconds}s", seconds=seconds + 30)

    def found(self, kind: str, selector: str | None) -> list[Document]:
        """Return what there is of a kind, chosen by its labels."""
        chosen = () if selector is None else ("--selector", selector)
        listed: list[Document] = json.loads(self("get", kind, *chosen, "--output", "json"))["items"]
        return listed

    def one(self, kind: str, name: str) -> Document:
        """Return a document as the cluster has it."""
        found: Document = json.loads(self("get", kind, name, "--output", "json"))
        return found

    def pods(self, part: str) -> list[str]:
        """Return the names of a part's pods that are not on their way out."""
        return [
            each["metadata"]["name"]
            for each in self.found("pods", f"app.kubernetes.io/name={part}")
            if "deletionTimestamp" not in each["metadata"]
        ]

    def asked(self, *words: str) -> Any:
        """Return what the caller in the cluster answers to one of its questions."""
        text = self("exec", "caller", "--", "python", "/caller/caller.py", *words)
        return json.loads(text.splitlines()[-1])


def until(what: str, holds: Callable[[], bool], seconds: float) -> None:
    """Wait until something holds; TimeoutError that says what did not."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds:.0f} s: {what}")
        time.sleep(1.0)
