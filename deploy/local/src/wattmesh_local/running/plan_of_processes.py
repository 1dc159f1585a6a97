"""Which processes a run consists of, and what each is told by its environment."""

import os
from dataclasses import dataclass
from pathlib import Path

from wattmesh_local.options import MeshOptions
from wattmesh_local.running.ports import free_targets
from wattmesh_local.running.process import ProcessSpec

SERVICES = (
    *("modelhost", "metering", "carbon", "forecast", "optimizer"),
    *("control", "planner", "gateway", "twin"),
)
"""The processes with a health service of their own, by the name of their package."""
GATEWAY = "gateways/local"
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SSL_CERT_FILE", "WATTMESH_OTLP_ENDPOINT")


@dataclass(frozen=True, kw_only=True, slots=True)
class RunFolders:
    """Where one run keeps its files: `run` is emptied before each run, `models` is kept."""

    run: Path
    models: Path

    @property
    def logs(self) -> Path:
        """One log file per process."""
        return self.run / "logs"

    @property
    def ledger(self) -> Path:
        """What the simulated devices wrote down themselves."""
        return self.run / "ledger"


@dataclass(frozen=True, kw_only=True, slots=True)
class Addresses:
    """Where everything answers."""

    database_url: str
    mqtt_url: str
    targets: dict[str, str]

    @classmethod
    def choose(cls, options: MeshOptions, database_url: str) -> "Addresses":
        """Return free addresses on loopback, and those that the options name."""
        broker, *free = free_targets(1 + len(SERVICES))
        targets = dict(zip(SERVICES, free, strict=True))
        if options.model_server_target:
            targets["modelhost"] = options.model_server_target
        return cls(
            database_url=database_url,
            mqtt_url=options.mqtt_url or f"mqtt://{broker}",
            targets=targets,
        )


class ProcessPlan:
    """Makes the specification of each process of a run."""

    def __init__(self, options: MeshOptions, folders: RunFolders, addresses: Addresses) -> None:
        self._options = options
        self._folders = folders
        self._addresses = addresses

    def broker(self) -> ProcessSpec:
        """Return the local MQTT broker."""
        target = self._addresses.mqtt_url.removeprefix("mqtt://")
        state = self._folders.run / "broker.json"
        arguments = ("-m", "wattmesh_local.mqtt_broker", "--listen", target, "--state", str(state))
        return ProcessSpec(
            name="broker",
            arguments=arguments,
            environment=self.environment(),
            target=target,
            grpc=False,
        )

    def service(self, name: str, clock: str) -> ProcessSpec:
        """Return the process of one service."""
        target = self._addresses.targets[name]
        return ProcessSpec(
            name=name,
            arguments=("-m", f"wattmesh_{name}"),
            environment=self.environment(clock=clock, listen_address=target, **self._own(name)),
            target=target,
        )

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
            "data_folder": str(self._options.data_folder),
            "homes": self._options.homes,
            "ledger_folder": str(self._folders.ledger),
            "mqtt_url": self._addresses.mqtt_url,
            "gateway": GATEWAY,
            "peak_price_per_kw": str(self._options.peak_price_per_kw),
            **self._reach("metering", "carbon"),
        }

    def training_settings(self) -> dict[str, str]:
        """Return what the training job is told."""
        return {"models_directory": str(self._folders.models), **self._reach("metering")}

    def _own(self, name: str) -> dict[str, str]:
        database = {"database_url": self._addresses.database_url}
        match name:
            case "modelhost":
                return {"models_directory": str(self._folders.models)}
            case "metering" | "carbon":
                return database
            case "forecast":
                return {
                    **database,
                    **self._reach("metering"),
                    "model_server_target": self._addresses.targets["modelhost"],
                    "models_directory": str(self._folders.models),
                }
            case "control":
                return {**database, **self._reach("metering")}
            case "planner":
                peers = ("metering", "forecast", "carbon", "optimizer", "control")
                lead = f"PT{self._options.lead.total_seconds():.0f}S"
                return {
                    **database,
                    **self._reach(*peers),
                    "plan_lead": lead,
                    "forecast_deadline_seconds": "1.5",
                    "carbon_deadline_seconds": "0.5",
                }
            case "gateway":
                return {
                    "gateway": GATEWAY,
                    "mqtt_url": self._addresses.mqtt_url,
                    "spool_file": str(self._folders.run / "spool.sqlite"),
                    **self._reach("metering", "control"),
                }
            case "twin":
                return self.twin_settings()
            case _:
                return {}

    def _reach(self, *names: str) -> dict[str, str]:
        return {f"{name}_target": self._addresses.targets[name] for name in names}
