"""Writes the Helm chart from the same source as everything else: the overlays of k8s/.

    python -m tools.chart FOLDER        FOLDER/wattmesh, for `helm install wattmesh FOLDER/wattmesh`

Each overlay is a profile of the chart: with no values given, a profile is its overlay to the
letter, but for the namespace, which is the release's, and for migrations, of which each revision
has its own. What may be said of images and parts is in `VALUES`; words that it does not know are
refused.
"""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from tools.bootstrap import KUBECTL, ROOT

Document: TypeAlias = dict[str, Any]

PROFILES = ("production", "staging", "edge", "development", "trial")
NAMESPACE = "wattmesh"
VERSION = "0.1.0"
OURS = re.compile(r"wattmesh/([a-z]+):.+")
"""Images of our own."""

CHART: Document = {
    "apiVersion": "v2",
    "name": "wattmesh",
    "description": "Energy management for buildings and grids",
    "type": "application",
    "version": VERSION,
    "appVersion": VERSION,
}
VALUES = """\
# Which overlay of k8s/ this is: production, staging, edge, development or trial.
profile: production
images:
  # Before the names of our images, with a slash at the end: "registry.example.org/energy/".
  registry: ""
  tag: "{version}"
# By part: {{replicas: 3, resources: {{limits: {{memory: 1Gi}}}}, env: {{WATTMESH_NAME: word}}}}.
# Of a part that grows when it is busy, replicas are the least.
parts: {{}}
"""
_MARK = re.compile(r"'?@@(\w+) ([^@']*)@@'?")


def main(arguments: list[str]) -> int:
    """Write the chart; return the exit status."""
    if len(arguments) != 1:
        print(__doc__)
        return 2
    write(Path(arguments[0]) / "wattmesh")
    return 0


def write(folder: Path, render: Callable[[str], list[Document]] | None = None) -> None:
    """Write the chart into a folder, which need not exist.

    `render` returns the documents of an overlay, which are changed; unless given, kubectl does.
    """
    (folder / "templates").mkdir(parents=True, exist_ok=True)
    parts = set[str]()
    for profile in PROFILES:
        documents = [
            _marked(each) for each in (render or overlay)(profile) if each["kind"] != "Namespace"
        ]
        parts |= {part for each in documents for part in _parts(each)}
        text = "---\n".join(_template(each) for each in documents)
        guarded = f'{{{{- if eq .Values.profile "{profile}" }}}}\n{text}{{{{- end }}}}\n'
        (folder / "templates" / f"{profile}.yaml").write_text(guarded)
    (folder / "Chart.yaml").write_text(yaml.safe_dump(CHART, sort_keys=False))
    (folder / "values.yaml").write_text(VALUES.format(version=VERSION))
    (folder / "values.schema.json").write_text(json.dumps(_schema(sorted(parts)), indent=1))


def overlay(name: str) -> list[Document]:
    """Return the documents of an overlay."""
    done = subprocess.run(
        [str(KUBECTL), "kustomize", str(ROOT / "k8s" / "overlays" / name)],
        capture_output=True,
        text=True,
        check=True,
    )
    return list(yaml.load_all(done.stdout, Loader=yaml.CSafeLoader))


def _parts(document: Document) -> Iterator[str]:
    for container in _containers(document):
        if container["name"] == "service":
            yield document["metadata"]["name"]


def _containers(document: Document) -> list[Document]:
    pod = document.get("spec", {}).get("template", {}).get("spec", {})
    return [*pod.get("containers", ()), *pod.get("initContainers", ())]


def _marked(document: Document) -> Document:
    """Return a document with marks where values go: `@@what of what@@`."""
    if document["metadata"].get("namespace") == NAMESPACE:
        document["metadata"]["namespace"] = "@@namespace of@@"
    if document["kind"] == "Job":
        document["metadata"]["name"] += "@@revision of@@"
    for container in _containers(document):
        ours = OURS.fullmatch(container["image"])
        if ours is not None:
            container["image"] = f"@@image {ours.group(1)}@@"
    if document["kind"] == "HorizontalPodAutoscaler":
        part, spec = document["spec"]["scaleTargetRef"]["name"], document["spec"]
        spec["minReplicas"] = f"@@replicas {part} {spec['minReplicas']}@@"
        spec["maxReplicas"] = f"@@most {part} {spec['maxReplicas']}@@"
    for part in _parts(document):
        spec = document["spec"]
        if "replicas" in spec:
            spec["replicas"] = f"@@replicas {part} {spec['replicas']}@@"
        for container in _containers(document):
            if container["name"] == "service":
                container["resources"] = _resources(part, container["resources"])
                container["env"].append(f"@@env {part}@@")
    return document


def _resources(part: str, resources: Document) -> str:
    return f"@@resources {part} {json.dumps(resources, separators=(',', ':'))}@@"


def _template(document: Document) -> str:
    text = yaml.dump(document, sort_keys=False, width=10**9, Dumper=yaml.CSafeDumper)
    escaped = text.replace("{{", '{{ "{{" }}')
    lines = [_written(line) for line in escaped.splitlines()]
    return "\n".join(lines) + "\n"


def _written(line: str) -> str:
    """Return a line with the words of Helm in the place of its marks."""
    found = _MARK.search(line)
    if found is None:
        return line
    what, (part, _, default) = found.group(1), found.group(2).partition(" ")
    if what == "env":
        indent = " " * (len(line) - len(line.lstrip()))
        return "\n".join(
            (
                f'{indent}{{{{- range $name, $value := dig "{part}" "env" dict .Values.parts }}}}',
                f"{indent}- {{name: {{{{ $name | quote }}}}, value: {{{{ $value | quote }}}}}}",
                f"{indent}{{{{- end }}}}",
            )
        )
    replicas = f'dig "{part}" "replicas" {default or 0} .Values.parts'
    words = {
        "namespace": "{{ .Release.Namespace }}",
        "revision": "-{{ .Release.Revision }}",
        "image": f'"{{{{ .Values.images.registry }}}}wattmesh/{part}:{{{{ .Values.images.tag }}}}"',
        "replicas": f"{{{{ {replicas} }}}}",
        "most": f"{{{{ max ({replicas}) {default} }}}}",
        "resources": f'{{{{ dig "{part}" "resources" (fromJson `{default}`) .Values.parts'
        " | toJson }}",
    }
    return line[: found.start()] + words[what] + line[found.end() :]


def _schema(parts: list[str]) -> Document:
    part = _object(
        replicas={"type": "integer", "minimum": 0},
        resources={"type": "object"},
        env={"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}},
    )
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        **_object(
            profile={"enum": list(PROFILES)},
            images=_object(registry={"type": "string"}, tag={"type": "string"}),
            parts=_object(**dict.fromkeys(parts, part)),
            **{"global": {"type": "object"}},
        ),
    }


def _object(**properties: Document) -> Document:
    return {"type": "object", "properties": properties, "additionalProperties": False}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
