"""What READMEs say of files: a path that is named is there."""

import re
import subprocess
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]

_PATH = re.compile(r"`([\w./…-]+\.(?:py|yaml|sql|proto|md))`")
_LINK = re.compile(r"\]\(([^)#:\s]*[./][^)#:\s]*)\)")
_EXAMPLES = {
    "0002_what_it_does.sql",
    "wattmesh-data.yaml",
    "migrations/NNNN_what.sql",
    "generator.py",
    "domain/kinds/generator.py",
    "adapters/kinds/generator.py",
}
"""Names that stand for a file somebody is told to write."""


def tracked() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return listed.stdout.splitlines()


FILES = tracked()
TEXTS = [name for name in FILES if name.endswith(".md")]


def is_there(path: str) -> bool:
    """Whether a file ends in the path as it is written: "…" stands for the folders between."""
    pattern = path.replace("…", "*").lstrip("./")
    return any(fnmatch(name, pattern) or fnmatch(name, f"*/{pattern}") for name in FILES)


def test_every_file_that_a_text_names_is_there() -> None:
    lost = {
        (text, path)
        for text in TEXTS
        for path in _PATH.findall((ROOT / text).read_text())
        if "{" not in path and path not in _EXAMPLES and not is_there(path)
    }
    assert lost == set()


def test_every_link_between_texts_leads_somewhere() -> None:
    broken = {
        (text, link)
        for text in TEXTS
        for link in _LINK.findall((ROOT / text).read_text())
        if not link.startswith("http") and not ((ROOT / text).parent / link).exists()
    }
    assert broken == set()
