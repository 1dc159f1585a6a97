"""Generates, lints and compares the contracts under protos/.

    protos.py generate    write protos/python/wattmesh from protos/wattmesh
    protos.py check       fail when protos/python/wattmesh is not what `generate` would write
    protos.py lint        buf lint
    protos.py breaking    buf breaking against the branch main

Works without a network: google/* imports come from the installed wheels grpcio-tools and
googleapis-common-protos.
"""

import argparse
import contextlib
import filecmp
import importlib.util
import io
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROTOS = ROOT / "protos"
GENERATED = PROTOS / "python" / "wattmesh"
BIN = Path(sys.executable).parent
MAIN = "main"


def main() -> int:
    """Runs one verb; answers the exit status."""
    verbs = {"generate": generate, "check": check, "lint": lint, "breaking": breaking}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("verb", choices=verbs)
    return verbs[parser.parse_args().verb]()


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
    with _workspace(PROTOS / "wattmesh") as workspace:
        return _buf("lint", "protos", cwd=workspace)


def breaking() -> int:
    """Compares the contracts with those of the branch main, if it has any."""
    archive = subprocess.run(
        ["git", "-C", str(ROOT), "archive", MAIN, "protos/wattmesh"],
        capture_output=True,
        check=False,
    )
    if archive.returncode:
        print(f"buf breaking: the branch {MAIN} has no contracts to compare with yet")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as tar:
            tar.extractall(folder, filter="data")
        before = Path(folder) / "protos" / "wattmesh"
        with _workspace(before) as old, _workspace(PROTOS / "wattmesh") as new:
            return _buf("breaking", "--against", str(old), cwd=new)


def _compile(folder: Path) -> Path:
    """Generates into `folder`; answers the package folder."""
    with _includes() as google:
        subprocess.run(
            [
                *(sys.executable, "-m", "grpc_tools.protoc", f"--proto_path={PROTOS}"),
                *(f"--proto_path={google}", f"--proto_path={_installed('grpc_tools') / '_proto'}"),
                f"--plugin=protoc-gen-mypy={BIN / 'protoc-gen-mypy'}",
                f"--plugin=protoc-gen-mypy_grpc={BIN / 'protoc-gen-mypy_grpc'}",
                *(f"--{kind}_out={folder}" for kind in ("python", "grpc_python")),
                *(f"--{kind}_out=quiet:{folder}" for kind in ("mypy", "mypy_grpc")),
                *sorted(str(path) for path in (PROTOS / "wattmesh").rglob("*.proto")),
            ],
            check=True,
        )
    return folder / "wattmesh"


@contextlib.contextmanager
def _includes() -> Iterator[Path]:
    """A folder with the google/* protos that grpcio-tools does not bring itself."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder)
        _copy_google_protos(target)
        yield target


def _copy_google_protos(target: Path) -> None:
    installed = _installed("google.rpc").parent
    for package in ("api", "longrunning", "rpc", "type"):
        for source in (installed / package).glob("*.proto"):
            # The wheel ships operations.proto under a second name; descriptors use the first.
            name = source.name.replace("operations_proto.proto", "operations.proto")
            destination = target / "google" / package / name
            destination.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, destination)


@contextlib.contextmanager
def _workspace(contracts: Path) -> Iterator[Path]:
    """A buf workspace: the contracts, and as a second module the google/* protos they import."""
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder)
        shutil.copytree(contracts, workspace / "protos" / "wattmesh")
        _copy_google_protos(workspace / "third_party")
        config = (ROOT / "buf.yaml").read_text()
        second = "  - path: protos\n  - path: third_party\n"
        (workspace / "buf.yaml").write_text(config.replace("  - path: protos\n", second))
        yield workspace


def _buf(*arguments: str, cwd: Path) -> int:
    cache = {"HOME": str(cwd), "PATH": "/usr/bin:/bin"}
    return subprocess.run([BIN / "buf", *arguments], cwd=cwd, env=cache, check=False).returncode


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
