"""What the ledger says of visits and readings."""

import json
from pathlib import Path

from wattmesh_local.watching.ledger import published_readings, visits

VISIT = {
    "asset": "sites/office/assets/ev-1",
    "arrival": "2024-06-03T08:10:00.000000Z",
    "departure": "2024-06-03T12:00:00.000000Z",
    "declared_departure": None,
    "wanted_wh": 9_000.0,
    "charged_wh": 0.0,
    "soc_ratio": 0.4,
    "at_once_start": "2024-06-03T08:00:00.000000Z",
    "at_once_wh": [9_000.0],
    "over": False,
}


def test_a_visit_counts_once_with_what_it_came_to(tmp_path: Path) -> None:
    ended = VISIT | {"charged_wh": 8_000.0, "over": True}
    lines = [json.dumps(line) for line in (VISIT, ended)]
    (tmp_path / "visits.jsonl").write_text("\n".join(lines))
    (visit,) = visits(tmp_path)
    assert (visit.wanted_wh, visit.charged_wh) == (9_000.0, 8_000.0)
    assert visit.at_once_wh == (9_000.0,)


def test_what_charge_points_told_again_is_one_reading(tmp_path: Path) -> None:
    told = {"device": "d", "measure_time": "t", "quantities": ["import_energy_wh"]}
    both = told | {"quantities": ["import_energy_wh", "active_power_w"]}
    (tmp_path / "told.jsonl").write_text("\n".join(map(json.dumps, (told, both, told))))
    assert published_readings(tmp_path) == 2
