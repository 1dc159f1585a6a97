"""The glossary has one word per idea, and sends nobody to a place that is not there."""

import re
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in (ROOT / "GLOSSARY.md").read_text().splitlines()
    if line.startswith("| **")
]


def test_every_word_is_explained_once() -> None:
    words = Counter(word for row in ROWS for word in row[0].strip("*").split(", "))
    assert [word for word, count in words.items() if count > 1] == []
    assert len(words) > 50


def test_every_place_is_there() -> None:
    places = [place for row in ROWS for place in re.findall(r"`([^`]+)`", row[3])]
    assert [place for place in places if not (ROOT / place).exists()] == []
