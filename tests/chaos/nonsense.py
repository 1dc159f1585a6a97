"""Telegrams that no meter sends: none of them holds a reading that could be believed."""

import json

_REAL = "meters/home-1/meter/telegram"
_NOBODY = "meters/nobody/meter/telegram"
_TIME = "2016-09-05T07:15:00Z"

TELEGRAMS: tuple[tuple[str, bytes], ...] = (
    (_REAL, b""),
    (_REAL, b"\x00\xff\xfe" * 100),
    (_REAL, b"[" * 50_000),
    (_REAL, b'{"a":' * 20_000),
    (
        _REAL,
        b'{"measure_time": "' + _TIME.encode() + b'", "import_energy_wh": ' + b"9" * 400 + b"}",
    ),
    (_REAL, json.dumps({"measure_time": _TIME, "import_energy_wh": "many"}).encode()),
    (_REAL, json.dumps({"measure_time": "yesterday", "import_energy_wh": 1.0}).encode()),
    (_REAL, json.dumps({"measure_time": "9999-12-31T23:59:59Z"}).encode()),
    (_REAL, b'{"measure_time": "2016-09-05T07:15:00Z", "import_energy_wh": NaN}'),
    (_REAL, json.dumps({"x" * 60_000: 1}).encode()),
    (_REAL, b"x" * 200_000),
    (_NOBODY, json.dumps({"measure_time": _TIME, "import_energy_wh": 1.0}).encode()),
    ("meters/../home-1/meter/telegram", b"{}"),
    ("meters/home-1/meter/telegram/more", b"{}"),
)
