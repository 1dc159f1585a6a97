"""Puts one part of Wattmesh into a folder, as an image holds it: run by deploy/Dockerfile.

    python -m tools.image metering /opt/wattmesh
    python -m tools.image forecast[train] /opt/wattmesh

The folder is a virtual environment with that distribution, those of ours that it needs, and the
locked versions of everything else, with their hashes; `bin/serve` starts it. Of TensorFlow a part
that only speaks to a model server gets the generated protocol modules, and nothing else.
"""

import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from tools.bootstrap import LOCK, ROOT, find_uv, packages

NO_TENSORFLOW = "tensorflow; sys_platform == 'never'\n"
"""As in the lock: tensorflow-serving-api asks for all of it, and needs its protocol modules."""

_NEEDLESS = (
    "**/tests",
    "numpy/distutils",
    "numpy/_core/include",
    *(f"**/*.{ending}" for ending in ("pyi", "pyx", "pxd", "c", "h", "hpp", "a")),
)
"""In an environment: of tests, type checkers and compilers."""
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_EXTRAS = re.compile(r"\[([^\]]*)\]")


def main(arguments: list[str]) -> int:
    """Install one part; return the exit status."""
    if len(arguments) != 2:
        print(__doc__)
        return 2
    part, folder = arguments[0], Path(arguments[1])
    try:
        install(f"wattmesh-{part}", folder)
    except subprocess.CalledProcessError as error:
        return error.returncode or 1
    return 0


def install(requirement: str, folder: Path) -> None:
    """Make the environment of a distribution and what it needs."""
    ours, others = requirements(requirement)
    uv, python = find_uv(), str(folder / "bin" / "python")
    run(uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder))
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        pins = work / "pins.txt"
        pins.write_text(locked(resolve(uv, others, work)))
        synced = ("--require-hashes", "--no-build", "--compile-bytecode", "--link-mode=copy")
        run(uv, "pip", "sync", "--quiet", *synced, "--python", python, str(pins))
        wheels = build(uv, ours, work)
        quiet = ("--quiet", "--no-deps", "--compile-bytecode", "--link-mode=copy")
        run(uv, "pip", "install", *quiet, "--python", python, *map(str, wheels))
        if any(name.startswith("tensorflow-serving-api") for name in others):
            install_protocol_modules(uv, folder, work)
    write_start(folder, name_of(requirement).replace("-", "_"))
    slim(folder)


def requirements(requirement: str) -> tuple[list[str], list[str]]:
    """Return the names of our distributions that a requirement comes to, and all the others' words.

    Error: KeyError when a distribution is none of ours.
    """
    folders = dict(packages())
    seen: set[str] = set()
    ours: dict[str, None] = {}
    others: dict[str, None] = {}
    waiting = [requirement]
    while waiting:
        wanted = waiting.pop()
        if wanted in seen:
            continue
        seen.add(wanted)
        ours[name_of(wanted)] = None
        project = tomllib.loads((folders[name_of(wanted)] / "pyproject.toml").read_text())[
            "project"
        ]
        extras = project.get("optional-dependencies", {})
        needs = [*project["dependencies"], *(n for e in extras_of(wanted) for n in extras[e])]
        waiting.extend(need for need in needs if name_of(need) in folders)
        others.update(dict.fromkeys(need for need in needs if name_of(need) not in folders))
    return list(ours), list(others)


def name_of(requirement: str) -> str:
    """Return the name of a requirement: `wattmesh-runtime` of `wattmesh-runtime[database]`."""
    found = _NAME.match(requirement)
    assert found is not None, requirement
    return found.group()


def extras_of(requirement: str) -> list[str]:
    """Return the extras of a requirement."""
    found = _EXTRAS.search(requirement)
    return [] if found is None else [extra.strip() for extra in found.group(1).split(",")]


def resolve(uv: str, others: list[str], work: Path) -> set[str]:
    """Return the names of everything that these come to, at the locked versions."""
    (work / "wanted.txt").write_text("\n".join(others))
    (work / "override.txt").write_text(NO_TENSORFLOW)
    options = ("--quiet", "--no-annotate", "--no-header", "--python", sys.executable)
    constrained = ("--constraint", str(LOCK), "--override", str(work / "override.txt"))
    answer = subprocess.run(
        [uv, "pip", "compile", *options, *constrained, str(work / "wanted.txt")],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return {name_of(line) for line in answer.stdout.splitlines() if line and line[0].isalnum()}


def locked(names: set[str]) -> str:
    """Return the lines of the lock about these, with their hashes; KeyError for one it lacks."""
    blocks: dict[str, list[str]] = {}
    for block in re.split(r"\n(?=[A-Za-z0-9])", LOCK.read_text()):
        if block and block[0].isalnum():  # one for each Python that has a version of its own
            blocks.setdefault(name_of(block), []).append(block)
    return "\n".join(block for name in sorted(names) for block in blocks[name])


def build(uv: str, ours: list[str], work: Path) -> list[Path]:
    """Return the wheels of our distributions, built with the locked build back end."""
    builder = work / "builder"
    run(uv, "venv", "--quiet", "--python", sys.executable, str(builder))
    pins = work / "builder.txt"
    pins.write_text(locked(resolve(uv, ["hatchling"], work)))
    python = str(builder / "bin" / "python")
    run(uv, "pip", "sync", "--quiet", "--require-hashes", "--python", python, str(pins))
    folders = dict(packages())
    for name in ours:
        target = ("-t", "wheel", "-d", str(work / "wheels"))
        subprocess.run([python, "-m", "hatchling", "build", *target], cwd=folders[name], check=True)
    return sorted((work / "wheels").glob("*.whl"))


def install_protocol_modules(uv: str, folder: Path, work: Path) -> None:
    """Copy the generated modules of TensorFlow into an environment that has no TensorFlow."""
    (site,) = folder.glob("lib/python3*/site-packages")
    if (site / "tensorflow").exists():
        return
    pins, whole = work / "tensorflow.txt", work / "tensorflow"
    pins.write_text(locked({"tensorflow-cpu"}))
    options = ("--quiet", "--no-deps", "--require-hashes", "--no-build", "--target", str(whole))
    run(uv, "pip", "install", *options, "--python", sys.executable, "-r", str(pins))
    for module in sorted((whole / "tensorflow").glob("**/*_pb2.py")):
        copy = site / module.relative_to(whole)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(module, copy)


def slim(folder: Path) -> None:
    """Remove what nobody needs who only runs it: tests, what others are compiled by, symbols.

    Symbols go where the build has `strip`; of uvloop they are nine tenths. What wheels bring of
    other projects (`*.libs`) was moved about by a tool after whose work `strip` does harm.
    """
    for site in folder.glob("lib/python3*/site-packages"):
        for needless in sorted(each for path in _NEEDLESS for each in site.glob(path)):
            if needless.is_dir():
                shutil.rmtree(needless, ignore_errors=True)
            else:
                needless.unlink(missing_ok=True)
        remove_symbols(site)


def remove_symbols(site: Path) -> None:
    """Strip extension modules, where there is `strip`; what it does not take stays as it is."""
    strip = shutil.which("strip")
    if strip is None:
        return
    for module in sorted(site.glob("**/*.so")):
        if not any(part.endswith(".libs") for part in module.relative_to(site).parts):
            subprocess.run([strip, "--strip-debug", str(module)], check=False)


def write_start(folder: Path, package: str) -> None:
    """Write `bin/serve`, which becomes the part's process: its own children start as it did."""
    start = folder / "bin" / "serve"
    start.write_text(f'#!/bin/sh\nexec "{folder}/bin/python" -m {package} "$@"\n')
    start.chmod(0o755)


def run(*command: str) -> None:
    """Run a command in the project's folder."""
    subprocess.run(command, cwd=ROOT, check=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
