"""Physics of others in environments of their own: made once, and met line by line."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / ".wattmesh" / "bench"
"""Where environments and what is derived once are kept."""
UV = ROOT / ".tools" / "uv" / "bin" / "uv"

Process: TypeAlias = "subprocess.Popen[str]"


@contextmanager
def started(script: Sequence[str], pins: Path, kept: Path) -> Iterator[Process]:
    """Run a script in the environment of `pins`; it is ended with the block."""
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    command = [str(python_of(pins, kept)), "-W", "ignore", *script]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, **pipes)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def lines(process: Process) -> Iterator[dict[str, Any]]:
    """Yield what a process says, an object a line."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("{"):
            yield json.loads(line)


def tell(process: Process, what: object) -> None:
    """Write a line to a process."""
    assert process.stdin is not None
    process.stdin.write(json.dumps(what) + "\n")
    process.stdin.flush()


def python_of(pins: Path, kept: Path) -> Path:
    """Return the Python of the environment; make it when there is none for these pins."""
    digest = hashlib.sha256(pins.read_bytes()).hexdigest()[:12]
    folder = kept / f"venv-{digest}"
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        kept.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            [UV, "venv", "-q", "--clear", "--python", sys.executable, folder], check=True
        )
        install = ["--no-deps", "--require-hashes", "-r", str(pins), "--python", str(python)]
        subprocess.run([UV, "pip", "install", "-q", *install], check=True)
        (folder / "ready").touch()
    return python
