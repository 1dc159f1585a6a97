"""The contracts as their sources say them: descriptors with the comments beside every part."""

import importlib.util
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

PROTOS = Path(__file__).parents[2] / "protos"

_MESSAGES, _FIELDS = 4, 2  # field numbers of a file's messages and of a message's fields


def installed_protos() -> Path:
    """Return the folder of the protos that the compiler itself brings: google/protobuf."""
    spec = importlib.util.find_spec("grpc_tools")
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(next(iter(spec.submodule_search_locations))) / "_proto"


@cache
def files() -> tuple[FileDescriptorProto, ...]:
    """Return every file of ours, compiled by plain protoc in the folder."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "all.binpb"
        command = [sys.executable, "-m", "grpc_tools.protoc", "-I", ".", f"-I{installed_protos()}"]
        sources = sorted(
            path.relative_to(PROTOS).as_posix() for path in PROTOS.glob("wattmesh/*/v1/*.proto")
        )
        options = ["--include_source_info", f"--descriptor_set_out={target}"]
        subprocess.run([*command, *options, *sources], cwd=PROTOS, check=True)
        return tuple(FileDescriptorSet.FromString(target.read_bytes()).file)


def field_comments() -> dict[str, str]:
    """Return the comment of every field of a top-level message, with that of its message."""
    found = dict[str, str]()
    for file in files():
        comments = {
            tuple(each.path): each.leading_comments for each in file.source_code_info.location
        }
        for number, message in enumerate(file.message_type):
            whole = comments.get((_MESSAGES, number), "")
            for place, field in enumerate(message.field):
                own = comments.get((_MESSAGES, number, _FIELDS, place), "")
                found[f"{file.package}.{message.name}.{field.name}"] = f"{own}\n{whole}"
    return found
