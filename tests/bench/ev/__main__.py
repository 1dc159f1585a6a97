import sys
from datetime import date
from pathlib import Path

from tests.bench.ev.rules import InOrder, deadline, laxity
from tests.bench.ev.sessions import read_visits, week_of
from tests.bench.ev.simulate import CHARGERS, simulate
from tests.bench.ev.tariff import read_tariff

folder = Path(sys.argv[1])
monday = date.fromisoformat(sys.argv[2])
name = sys.argv[3] if len(sys.argv) > 3 else "sce_tou_ev_4_march_2019"
visits = read_visits(folder)
week = week_of(visits, monday, CHARGERS, 200)
tariff = read_tariff(folder, name)
print(len(week), sum(v.energy_wh for v in week) / 1e3)
for n, c in (("edf", InOrder(deadline)), ("llf", InOrder(laxity))):
    o = simulate(week, tariff, c)
    print(n, o.cost, o.peak_w, o.delivered_wh / o.asked_wh, o.full, o.overloads, o.missed_wh)
