"""Generates, lints and compares the contracts under protos/.

    protos.py generate          write protos/python/wattmesh from protos/wattmesh
    protos.py check             fail when protos/python/wattmesh is not what `generate` would write
    protos.py lint              buf lint
    protos.py breaking          buf breaking against the last release, protos/released/v*.binpb
    protos.py release VERSION   keep the contracts as they are as a release, e.g. v1.0.0

Works without a network: the contracts import nothing but google/protobuf.
"""

import argparse
import filecmp
import importlib.util
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROTOS = ROOT / "protos"
GENERATED = PROTOS / "python" / "wattmesh"
BIN = Path(sys.executable).parent
RELEASED = PROTOS / "released"


def main() -> int:
    """Runs one verb; answers the exit status."""
    verbs = {"generate": generate, "check": check, "lint": lint, "breaking": breaking}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("verb", choices=[*verbs, "release"])
    parser.add_argument("version", nargs="?")
    arguments = parser.parse_args()
    if arguments.verb == "release":
        return release(arguments.version or parser.error("release needs a version, e.g. v1.0.0"))
    return verbs[arguments.verb]()


def generate() -> int:
    """Replaces the generated code as a whole, so that nothing stale stays."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = _compile(Path(folder))
        shutil.rmtree(GENERATED, ignore_errors=True)
        shutil.copytree(fresh, GENERATED)
    return 0


def check() -> int:
    """Compares a fresh generation with what is checked in."""
    with tempfile.TemporaryDirectory() as folder:
        drift = _differences(_compile(Path(folder)), GENERATED)
    for name in drift:
        print(f"protos/python/wattmesh/{name} is not what protos/ generates: run `make protos`")
    return 1 if drift else 0


def lint() -> int:
    """Holds the contracts against buf's STANDARD and COMMENTS rules."""
    return _buf("lint")


def breaking() -> int:
    """Compares the contracts with those last released."""
    releases = sorted(RELEASED.glob("v*.binpb"), key=_version)
    if not releases:
        print("buf breaking: nothing was released yet")
        return 0
    return _buf("breaking", "--against", str(releases[-1]))


def release(version: str) -> int:
    """Keeps the contracts as an image that `breaking` compares with from then on."""
    RELEASED.mkdir(exist_ok=True)
    image = RELEASED / f"{version}.binpb"
    _version(image)
    return _buf("build", "--exclude-source-info", "--output", str(image))


def _version(image: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in image.stem.removeprefix("v").split("."))


def _compile(folder: Path) -> Path:
    """Generates into `folder`; answers the package folder."""
    subprocess.run(
        [
            *(sys.executable, "-m", "grpc_tools.protoc", f"--proto_path={PROTOS}"),
            f"--proto_path={_installed('grpc_tools') / '_proto'}",
            f"--plugin=protoc-gen-mypy={BIN / 'protoc-gen-mypy'}",
            f"--plugin=protoc-gen-mypy_grpc={BIN / 'protoc-gen-mypy_grpc'}",
            *(f"--{kind}_out={folder}" for kind in ("python", "grpc_python")),
            *(f"--{kind}_out=quiet:{folder}" for kind in ("mypy", "mypy_grpc")),
            *sorted(str(path) for path in (PROTOS / "wattmesh").rglob("*.proto")),
        ],
        check=True,
    )
    (folder / "wattmesh" / "py.typed").touch()  # whoever installs it checks with its types
    return folder / "wattmesh"


def _buf(*arguments: str) -> int:
    with tempfile.TemporaryDirectory() as cache:
        surroundings = {"HOME": cache, "PATH": "/usr/bin:/bin"}
        command = [str(BIN / "buf"), *arguments]
        return subprocess.run(command, cwd=PROTOS, env=surroundings, check=False).returncode


def _installed(module: str) -> Path:
    spec = importlib.util.find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        sys.exit(f"{module} is not installed: run `make setup`")
    return Path(next(iter(spec.submodule_search_locations)))


def _differences(fresh: Path, kept: Path) -> list[str]:
    """Names of files that exist on one side only or differ."""
    names = {
        path.relative_to(side).as_posix()
        for side in (fresh, kept)
        for path in side.rglob("*.py*")
        if path.suffix in (".py", ".pyi")
    }
    return sorted(name for name in names if not _same(fresh / name, kept / name))


def _same(one: Path, other: Path) -> bool:
    return one.is_file() and other.is_file() and filecmp.cmp(one, other, shallow=False)


if __name__ == "__main__":
    sys.exit(main())
