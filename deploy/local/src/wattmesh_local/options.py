"""What the person at the terminal asks for."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from wattmesh_kernel.errors import InvalidArgument

CITYLEARN = Path("data/citylearn/citylearn/data/citylearn_challenge_2022_phase_all")
"""Where `make setup` puts the homes' data, below the state folder."""
STREET = Path("data")
"""Where it puts all of which the street is made."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteSet:
    """Sites of the demo: their data, which of them, and how fast time goes, unless told."""

    data: Path
    homes: str
    rate: float


SITES = {
    "homes": SiteSet(data=CITYLEARN, homes="1-5", rate=1200.0),
    "street": SiteSet(data=STREET, homes="1-6", rate=600.0),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class MeshOptions:
    """One run of the mesh on this machine.

    `start` None is five weeks into the data; `days` is how long there must be data from then on.
    `rate` is simulated seconds per wall second. `peak_price_per_kw` is what a kilowatt of the
    highest shared import of a month is worth in planning [currency/kW], beside the bill. A URL
    that is given replaces the embedded default of that part. `replicas` is how many processes a
    service has, where not one. `train_beside`: do not wait for the forecast models. `live`: own
    devices on the machine's clock instead of simulated ones; everything is kept for the next run.
    `paced`: time goes slower than `rate` while the machine is too busy for that.
    `identities`: every process shows a certificate, and may do what it needs and nothing else.
    `metrics`: every process has a page from which Prometheus fetches what it measures.
    """

    state_folder: Path
    data_folder: Path
    homes: str = "1-5"
    start: date | None = None
    days: int = 1
    rate: float = 1200.0
    paced: bool = False
    database_url: str | None = None
    mqtt_url: str | None = None
    model_server_target: str | None = None
    peak_price_per_kw: float = 1.0
    replicas: Mapping[str, int] = field(default_factory=dict)
    train_beside: bool = False
    live: bool = False
    identities: bool = True
    metrics: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be run."""
        if self.live:
            return
        if not 1 <= self.rate <= 7200:
            raise InvalidArgument(
                "INVALID_RATE", f"--rate must be 1 to 7200, not {self.rate:g}", field="rate"
            )
        if not _are_homes(self.homes):
            raise InvalidArgument(
                "INVALID_HOMES",
                f"--homes takes numbers from 1 on, like 1-5 or 1,3,7, not {self.homes!r}",
            )
        if not self.data_folder.is_dir():
            raise InvalidArgument(
                "NO_DATA", f"there is no folder {self.data_folder}; `make setup` fetches the demo's"
            )

    @property
    def lead(self) -> timedelta:
        """How long before its interval a plan is computed: 5 s of the wall, within bounds.

        It is time enough for a planner that was killed to come back and still be in time.
        """
        wall = timedelta(seconds=5 * self.rate)
        return min(max(wall, timedelta(minutes=1)), timedelta(minutes=45))


def _are_homes(text: str) -> bool:
    if not re.fullmatch(r"\d+(-\d+)?(,\d+(-\d+)?)*", text):
        return False
    ranges = [[int(end) for end in part.split("-")] for part in text.split(",")]
    return all(1 <= part[0] <= part[-1] for part in ranges)


def state_folder() -> Path:
    """Return where runs keep their files: `.wattmesh` below the working folder, unless told."""
    return Path(os.environ.get("WATTMESH_STATE", ".wattmesh")).absolute()


def options_from_environment(
    *,
    homes: str | None,
    start: date | None,
    days: int,
    rate: float | None,
    data: Path | None,
    replicas: Mapping[str, int] | None = None,
    live: bool = False,
    site: str = "homes",
    identities: bool = True,
) -> MeshOptions:
    """Return the options of a run; what the command line leaves open, the environment says.

    Error: InvalidArgument for a site set that is not there.
    """
    if site not in SITES:
        known = ", ".join(SITES)
        raise InvalidArgument("INVALID_SITE_SET", f"--site is one of {known}, not {site!r}")
    usual = SITES[site]
    default_data = Path(os.environ.get("WATTMESH_DATA", state_folder() / usual.data))
    return MeshOptions(
        state_folder=state_folder(),
        data_folder=(data or default_data).absolute(),
        homes=homes or usual.homes,
        start=start,
        days=days,
        rate=_rate(rate, usual, live=live),
        paced=rate is None and not live,
        live=live,
        identities=identities,
        database_url=os.environ.get("WATTMESH_DATABASE_URL"),
        mqtt_url=os.environ.get("WATTMESH_MQTT_URL"),
        model_server_target=os.environ.get("WATTMESH_MODEL_SERVER_TARGET"),
        peak_price_per_kw=_number("WATTMESH_PEAK_PRICE_PER_KW", 1.0),
        replicas=replicas or {},
    )


def _rate(asked: float | None, usual: SiteSet, *, live: bool) -> float:
    if live:
        return 1.0
    return usual.rate if asked is None else asked


def parse_rate(text: str) -> float | None:
    """Return the rate that is asked for; None for `auto`; InvalidArgument for anything else."""
    if text == "auto":
        return None
    try:
        return float(text)
    except ValueError as error:
        words = f"--rate is auto or simulated seconds per second, not {text!r}"
        raise InvalidArgument("INVALID_RATE", words, field="rate") from error


REPLICABLE = ("optimizer", "control", "planner")
"""Of which services there can be several processes: they share their work by themselves."""
_MOST_REPLICAS = 5


def parse_replicas(text: str) -> dict[str, int]:
    """Return how many processes services have, of `planner=2,control=2`; InvalidArgument else."""
    replicas = {}
    for part in filter(None, text.split(",")):
        service, _, count = part.strip().partition("=")
        fits = count.isdecimal() and 1 <= int(count) <= _MOST_REPLICAS
        if service not in REPLICABLE or not fits:
            known = ", ".join(REPLICABLE)
            raise InvalidArgument(
                "INVALID_REPLICAS",
                f"--replicas takes SERVICE=1 to {_MOST_REPLICAS} of {known}, not {part!r}",
                field="replicas",
            )
        replicas[service] = int(count)
    return replicas


def _number(name: str, default: float) -> float:
    text = os.environ.get(name)
    try:
        return float(text) if text else default
    except ValueError as error:
        raise InvalidArgument("INVALID_SETTING", f"{name} is not a number: {text!r}") from error
