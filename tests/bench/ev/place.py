"""The place: 20 charge points behind 60 kW, decided anew every five minutes."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from wattmesh_kernel.sites import EvChargerRating

ZONE = ZoneInfo("America/Los_Angeles")
CHARGERS = 20
LIMIT_W = 60_000.0
RATING = EvChargerRating(max_current_a=32.0, min_current_a=6.0, voltage_v=208.0)
"""A charge point of SAE J1772 level 2: 32 A at 208 V, one phase."""
MOST_W = RATING.max_current_a * RATING.voltage_v
LEAST_W = RATING.min_current_a * RATING.voltage_v
STEP = timedelta(minutes=5)
LEAD = timedelta(minutes=1)
"""How long before a step begins it is decided; who comes later waits for the next."""
