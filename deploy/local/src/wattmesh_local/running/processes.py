"""Which processes a run consists of, and what each is told by its environment."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from wattmesh_local.identities.folder import GATEWAY_FOLDER, OWN_FOLDER, tls_settings
from wattmesh_local.identities.models import SIGNERS, SIGNING_KEY
from wattmesh_local.identities.sessions import PRINCIPALS, SESSION, session_address
from wattmesh_local.mqtt_broker.accounts import ACL, TWIN, Logins
from wattmesh_local.mqtt_broker.accounts import GATEWAY as GATEWAY_LOGIN
from wattmesh_local.options import MeshOptions
from wattmesh_local.running.ports import KNOWN_WEB_PORT, free_targets, known_targets
from wattmesh_local.running.process import ProcessSpec

SERVICES = (
    *("modelhost", "metering", "carbon", "forecast", "optimizer"),
    *("usage", "control", "demandresponse", "planner", "gateway", "analytics", "alerting"),
    *("dashboard", "twin"),
)
"""The processes with a health service of their own, by the name of their package."""
_FOLLOWERS = ("forecast", "demandresponse", "planner", "analytics", "alerting", "dashboard")
GATEWAY = "gateways/local"
ACCOUNTS = "mqtt"
"""The folder of accounts at the broker, in that of what must not be lost."""
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SSL_CERT_FILE", "WATTMESH_OTLP_ENDPOINT")

_OF_DEVICES = ("WATTMESH_OCPP_", "WATTMESH_MODBUS_TIMEOUT_SECONDS", "WATTMESH_PROFILE_FOLDER")
"""How settings of the gateway begin that are about whose devices it talks to."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunFolders:
    """Where one run keeps its files: `run` is emptied before each run, `models` is kept.

    `spool` holds what must not be lost: of simulated devices it is `run`, of one's own it is kept.
    """

    run: Path
    models: Path
    spool: Path
    identities: Path | None = None
    """Certificates of every service; None: all speak in plaintext."""

    @property
    def own_identity(self) -> Path | None:
        """What the command itself shows."""
        return None if self.identities is None else self.identities / OWN_FOLDER

    def page_at(self, web: str) -> str:
        """Return what a browser opens, whose dashboard is at host:port."""
        return session_address(web, self.identities)

    @property
    def logs(self) -> Path:
        """One log file per process."""
        return self.run / "logs"

    @property
    def accounts(self) -> Path:
        """Who may speak at the broker."""
        return self.spool / ACCOUNTS

    @property
    def ledger(self) -> Path:
        """What the simulated devices wrote down themselves."""
        return self.run / "ledger"


@dataclass(frozen=True, kw_only=True, slots=True)
class Addresses:
    """Where everything answers."""

    database_url: str
    mqtt_url: str
    ocpp_address: str
    """host:port on which simulated charge points dial in; of one's own the environment says it."""
    processes: dict[str, str]
    """host:port of every process, by its name: `planner`, `planner-2`."""
    targets: dict[str, str]
    """gRPC target of every service, by its name; of several processes a list of their addresses."""
    web: str
    """host:port where browsers find the dashboard."""
    metrics: dict[str, str] = field(default_factory=dict)
    """host:port of every process's metrics, by its name; empty: they are not served."""

    @classmethod
    def choose(cls, options: MeshOptions, database_url: str) -> "Addresses":
        """Return free addresses on loopback, and those that the options name."""
        names = {service: process_names(service, options) for service in _services(options)}
        every = [name for processes in names.values() for name in processes]
        count = 3 + len(every)
        found = known_targets(count, KNOWN_WEB_PORT) if options.live else free_targets(count)
        web, broker, *free, ocpp = found
        processes = dict(zip(every, free, strict=True))
        if options.model_server_target:
            processes["modelhost"] = options.model_server_target
        return cls(
            database_url=database_url,
            mqtt_url=options.mqtt_url or f"mqtt://{broker}",
            ocpp_address="" if options.live else ocpp,
            processes=processes,
            targets={
                service: _target([processes[name] for name in own])
                for service, own in names.items()
            },
            web=web,
            metrics=dict(zip(every, free_targets(len(every)), strict=True))
            if options.metrics
            else {},
        )


def _services(options: MeshOptions) -> tuple[str, ...]:
    """Return what a run consists of: devices of one's own need no twin."""
    return tuple(each for each in SERVICES if not (options.live and each == "twin"))


def process_names(service: str, options: MeshOptions) -> tuple[str, ...]:
    """Return the names of a service's processes: `planner`, `planner-2`."""
    further = range(2, options.replicas.get(service, 1) + 1)
    return (service, *(f"{service}-{number}" for number in further))


def _target(addresses: list[str]) -> str:
    """Return a gRPC target that spreads calls over all addresses."""
    return addresses[0] if len(addresses) == 1 else f"ipv4:{','.join(addresses)}"


class ProcessPlan:
    """Makes the specification of each process of a run."""

    def __init__(
        self,
        options: MeshOptions,
        folders: RunFolders,
        addresses: Addresses,
        logins: Logins | None = None,
    ) -> None:
        """`logins`: as whom the broker is spoken to; None: as its URL says, or as nobody."""
        self._options = options
        self._folders = folders
        self._addresses = addresses
        self._logins = logins

    def broker(self) -> ProcessSpec:
        """Return the local MQTT broker."""
        target = self._addresses.mqtt_url.removeprefix("mqtt://")
        state = self._folders.spool / "broker.json"
        arguments = ("-m", "wattmesh_local.mqtt_broker", "--listen", target, "--state", str(state))
        return ProcessSpec(
            name="broker",
            arguments=(*arguments, *self._doors()),
            environment=self.environment(),
            target=target,
            grpc=False,
        )

    def _doors(self) -> tuple[str, ...]:
        """Return by which files the broker knows who comes; nothing where nobody is asked."""
        if self._logins is None:
            return ()
        accounts = self._logins.accounts
        passwords = ("--passwords", str(accounts.passwords))
        return (*passwords, "--acl", str(ACL), "--acl", str(accounts.granted))

    def _mqtt_url(self, name: str) -> str:
        """Return the broker's URL for a service; with its password, where there is one."""
        url = self._addresses.mqtt_url
        return url if self._logins is None else self._logins.url(name, url)

    def model_host(self, clock: str) -> list[ProcessSpec]:
        """Return the local host of the models; nothing where another server is named."""
        hosts = () if self._options.model_server_target else ("modelhost",)
        return self.services(hosts, clock)

    def services(self, names: Iterable[str], clock: str) -> list[ProcessSpec]:
        """Return all processes of some services."""
        return [
            self._process(service, name, clock)
            for service in names
            for name in process_names(service, self._options)
        ]

    def _process(self, service: str, name: str, clock: str) -> ProcessSpec:
        target = self._addresses.processes[name]
        settings = {
            **self._own(service),
            **self._site_model(service, name),
            **self._identity(service),
            **self._metrics(name),
        }
        return ProcessSpec(
            name=name,
            arguments=("-m", f"wattmesh_{service}"),
            environment=self.environment(clock=clock, listen_address=target, **settings),
            target=target,
            identity=self._folders.own_identity,
        )

    def _metrics(self, name: str) -> dict[str, str]:
        """Return where a process serves what it measures, if it does."""
        address = self._addresses.metrics.get(name)
        return {} if address is None else {"metrics_address": address}

    def _identity(self, service: str) -> dict[str, str]:
        """Return the settings with which a service shows who it is."""
        if self._folders.identities is None:
            return {}
        name = GATEWAY_FOLDER if service == "gateway" else service
        given = self._options.model_server_target
        plain = {} if given is None else {"plaintext_targets": given}
        return {
            **tls_settings(self._folders.identities / name),
            "principals_file": str(self._folders.identities / PRINCIPALS),
            **plain,
        }

    @property
    def own_identity(self) -> Path | None:
        """What the command itself shows."""
        return self._folders.own_identity

    def environment(self, **settings: str) -> dict[str, str]:
        """Return an environment with these settings and as little of ours as possible."""
        kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        quiet = {
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "OMP_NUM_THREADS": "1",
            "TF_CPP_MIN_LOG_LEVEL": "2",
            "WATTMESH_GRACE_SECONDS": "2",
        }
        return {
            **kept,
            **quiet,
            **{f"WATTMESH_{name.upper()}": value for name, value in settings.items()},
        }

    def twin_settings(self) -> dict[str, str]:
        """Return what the twin is told; its provisioning job is told the same."""
        return {
            **self._identity("twin"),
            "data_folder": str(self._options.data_folder),
            "homes": self._options.homes,
            "ledger_folder": str(self._folders.ledger),
            "mqtt_url": self._mqtt_url(TWIN),
            "gateway": GATEWAY,
            "peak_price_per_kw": str(self._options.peak_price_per_kw),
            "ocpp_url": f"ws://{self._addresses.ocpp_address}",
            **self._reach("metering", "carbon", "usage"),
        }

    def training_settings(self) -> dict[str, str]:
        """Return what the training job is told."""
        return {
            **self._identity("forecast"),
            "models_directory": str(self._folders.models),
            **self._signing_key(),
            **self._reach("metering"),
        }

    def _own(self, name: str) -> dict[str, str]:
        database = {"database_url": self._addresses.database_url}
        match name:
            case "modelhost":
                return {"models_directory": str(self._folders.models), **self._signers()}
            case "metering" | "carbon":
                return database
            case "forecast":
                return {
                    **database,
                    **self._reach("metering"),
                    "model_server_target": self._addresses.targets["modelhost"],
                    "models_directory": str(self._folders.models),
                    **self._signing_key(),
                    # Models are trained at set-up; not again beside days that pass in minutes.
                    **({} if self._options.live else {"retrain_days": "0"}),
                }
            case "control" | "usage":
                return {**database, **self._reach("metering")}
            case "analytics":
                return {
                    **database,
                    **self._reach("metering", "carbon", "optimizer", "usage", "forecast"),
                    **self._reach("demandresponse", "planner", "control"),
                    # Days pass in minutes: nobody waits for their settlements meanwhile.
                    **({} if self._options.live else {"settle_hours": "0"}),
                }
            case "demandresponse":
                return {**database, **self._reach("metering", "control")}
            case "alerting":
                watched = ("metering", "control", "planner", "forecast", "analytics")
                return {
                    **database,
                    **self._reach(*watched),
                    # Days pass in minutes: forecast has plans to make in them.
                    **({} if self._options.live else {"forecast_hours": "0"}),
                }
            case "dashboard":
                peers = ("metering", "planner", "control", "forecast", "carbon", "optimizer")
                reached = self._reach(*peers, "analytics", "usage", "alerting")
                return {
                    "web_address": self._addresses.web,
                    "identity_target": self._addresses.targets["dashboard"],
                    **reached,
                    **self._session(),
                }
            case "planner":
                asked = (
                    *("metering", "forecast", "carbon", "optimizer"),
                    *("control", "usage", "demandresponse"),
                )
                lead = f"PT{self._options.lead.total_seconds():.0f}S"
                return {
                    **database,
                    **self._reach(*asked),
                    "plan_lead": lead,
                    **self._solving(),
                    **self._patience(),
                }
            case "gateway":
                return {
                    "gateway": GATEWAY,
                    "mqtt_url": self._mqtt_url(GATEWAY_LOGIN),
                    "spool_file": str(self._folders.spool / "spool.sqlite"),
                    **self._reach("metering", "control", "usage"),
                    **self._charge_points(),
                    **_of_devices(),
                }
            case "twin":
                return self.twin_settings()
            case _:
                return {}

    def _solving(self) -> dict[str, str]:
        """Return how long an hour of a few seconds may be solved, and how near the best.

        Where time goes only as fast as plans are made, a busy machine has more of it.
        """
        if self._options.live:
            return {}
        limit = "PT5S" if self._options.paced else "PT2S"
        return {"solve_time_limit": limit, "solve_gap_ratio": "0.002"}

    def _patience(self) -> dict[str, str]:
        """Return how long the planner waits for what it asks [s of the wall]."""
        factor = 3.0 if self._options.paced else 1.0
        return {
            "forecast_deadline_seconds": str(1.5 * factor),
            "carbon_deadline_seconds": str(0.5 * factor),
            "usage_deadline_seconds": str(0.5 * factor),
        }

    def _session(self) -> dict[str, str]:
        """Return by what the dashboard knows the browser of whoever runs the mesh."""
        folder = self._folders.identities
        return {} if folder is None else {"session_file": str(folder / SESSION)}

    def _signing_key(self) -> dict[str, str]:
        """Return with what models are vouched for where everybody shows an identity."""
        folder = self._folders.identities
        return {} if folder is None else {"model_signing_key_file": str(folder / SIGNING_KEY)}

    def _signers(self) -> dict[str, str]:
        """Return whom the model host trusts there."""
        folder = self._folders.identities
        return {} if folder is None else {"models_signers_file": str(folder / SIGNERS)}

    def _charge_points(self) -> dict[str, str]:
        """Return where simulated charge points dial in."""
        address = self._addresses.ocpp_address
        return {"ocpp_listen_address": address} if address else {}

    def _site_model(self, service: str, name: str) -> dict[str, str]:
        """Return where a process keeps the last known site model; the gateway has its own."""
        if service not in _FOLLOWERS:
            return {}
        return {"site_model_file": str(self._folders.spool / f"{name}.site-model")}

    def _reach(self, *names: str) -> dict[str, str]:
        return {f"{name}_target": self._addresses.targets[name] for name in names}


def _of_devices() -> dict[str, str]:
    """Return what our own environment says of devices, for the gateway."""
    return {
        name.removeprefix("WATTMESH_").lower(): value
        for name, value in os.environ.items()
        if name.startswith(_OF_DEVICES)
    }
