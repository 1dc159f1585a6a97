"""What a Textual app shows, as the lines of the terminal, by the picture it makes of itself."""

import html
import re
from typing import Any

_TEXT = re.compile(r'<text class="[^"]*-r\d+" x="([\d.]+)" y="([\d.]+)"[^>]*>(.*?)</text>')
_COLUMN = 12.2
"""Width of a column in that picture."""


def lines_of(app: Any) -> list[str]:
    """Return the lines, without what is empty on their right."""
    rows: dict[float, list[tuple[int, str]]] = {}
    for x, y, content in _TEXT.findall(app.export_screenshot()):
        text = html.unescape(re.sub("<[^>]*>", "", content)).replace("\xa0", " ")
        rows.setdefault(float(y), []).append((round(float(x) / _COLUMN), text))
    return [_joined(rows[y]) for y in sorted(rows)]


def _joined(pieces: list[tuple[int, str]]) -> str:
    line = ""
    for column, text in sorted(pieces):
        line = line.ljust(column) + text
    return line.rstrip()
