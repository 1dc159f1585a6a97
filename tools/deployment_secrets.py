"""Makes the secrets of a deployment at random: files for Compose, Secrets for Kubernetes.

    python tools/deployment_secrets.py deploy/secrets                 write what is missing
    python tools/deployment_secrets.py deploy/secrets --kubernetes    and print it for kubectl
    python tools/deployment_secrets.py deploy/secrets --device meter-1 --broker-name mqtt.example

`--device`: a name and a password for a device at the broker, in the file that is printed.
`--broker-name`: a further name or address in the broker's certificate, when it is made. Both may be
given again and again. Nothing that is there is changed: a folder keeps its secrets. Needs the
standard library and the machine's `openssl`, and nothing else.
"""

import argparse
import base64
import hashlib
import json
import re
import secrets
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # run as a file, by any Python

from tools.broker_certificate import write_certificate

GRAFANA = ("grafana_admin_password", "grafana_database_password")
"""What Grafana is told: who administers it, and its own word for the database."""
DATABASE_SERVICES = (
    *("alerting", "analytics", "carbon", "control", "demandresponse"),
    *("forecast", "metering", "planner", "usage"),
)
"""Services with a schema, and so a database role, of their own."""
BACKUP = "backup"
"""Who copies the whole database and receives its log."""
MQTT_USERS = ("gateway", "twin")
DATABASE, BROKER, BROKER_TLS = "database:5432/wattmesh", "broker:1883", "broker:8883"
DEVICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
"""Names of devices: they stand in topics, where + and # and / have a meaning."""
OWNER = "wattmesh"
"""The database's owner, as whom migrations run."""
PASSWD_ITERATIONS = 101
"""As mosquitto_passwd hashes passwords; these are random and long."""


def main(arguments: list[str]) -> int:
    """Write the files, and print the manifests when they are asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kubernetes", action="store_true")
    parser.add_argument("--device", action="append", default=[])
    parser.add_argument("--broker-name", action="append", default=[])
    asked = parser.parse_args(arguments)
    try:
        write(asked.folder, asked.broker_name)
        for name in asked.device:
            print(let_in(asked.folder, name), file=sys.stderr)
    except (RuntimeError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    if asked.kubernetes:
        print(json.dumps(manifests(asked.folder), indent=1))
    return 0


def let_in(folder: Path, device: str) -> Path:
    """Give a device a password at the broker, if it has none; return the file that holds it.

    Error: ValueError for a name that could be heard as another's, or as many.
    """
    if not DEVICE.fullmatch(device) or device in MQTT_USERS:
        raise ValueError(f"{device!r} cannot be a device's name: letters, digits, _, . and -")
    file, known = folder / f"device_{device}_mqtt_password", folder / "mosquitto_passwords"
    password = keep(file, random_word)
    lines = known.read_text()
    if not any(line.startswith(f"{device}:") for line in lines.splitlines()):
        unfinished = known.with_suffix(".new")
        unfinished.write_text(f"{lines}{device}:{mosquitto_hash(password)}\n")
        unfinished.chmod(0o644)
        unfinished.rename(known)
    return file


def write(folder: Path, broker_names: Sequence[str] = ()) -> None:
    """Make every secret that is missing; the folder is readable by its owner alone."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in ("owner", *DATABASE_SERVICES):
        password = keep(folder / f"{name}_database_password", random_word)
        user = OWNER if name == "owner" else name
        url = f"postgresql://{user}:{password}@{DATABASE}"
        keep(folder / f"{name}_database_url", partial(str, url))
    keep(folder / f"{BACKUP}_database_password", random_word)
    lines = []
    for user in MQTT_USERS:
        password = keep(folder / f"{user}_mqtt_password", random_word)
        url = f"mqtt://{user}:{password}@{BROKER}"
        keep(folder / f"{user}_mqtt_url", partial(str, url))
        secured = f"mqtts://{user}:{password}@{BROKER_TLS}"
        keep(folder / f"{user}_mqtts_url", partial(str, secured))
        lines.append(f"{user}:{mosquitto_hash(password)}\n")
    keep(folder / "mosquitto_passwords", lambda: "".join(lines))
    for name in GRAFANA:
        keep(folder / name, random_word)
    write_certificate(folder, broker_names)


def keep(file: Path, make: Callable[[], str]) -> str:
    """Return what a file holds, made now when it is not there."""
    if not file.exists():
        unfinished = file.with_suffix(".new")
        unfinished.write_text(make())
        unfinished.chmod(0o644)  # the folder guards it; containers read it as other users
        unfinished.rename(file)
    return file.read_text()


def random_word() -> str:
    """Return 160 random bits as letters and digits."""
    return secrets.token_hex(20)


def mosquitto_hash(password: str) -> str:
    """Return a password as a line of Mosquitto's password file has it: PBKDF2, SHA-512."""
    salt = secrets.token_bytes(12)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, PASSWD_ITERATIONS)
    coded = (base64.b64encode(part).decode() for part in (salt, digest))
    return f"$7${PASSWD_ITERATIONS}${'$'.join(coded)}"


def manifests(folder: Path) -> dict[str, object]:
    """Return one Secret for each who reads it, with the files under the names they expect."""
    database = {
        f"{name}_database_password": f"{name}_database_password"
        for name in (*DATABASE_SERVICES, BACKUP)
    }
    contents = {
        "database": {
            "owner_database_password": "owner_database_password",
            "grafana_database_password": "grafana_database_password",
            **database,
        },
        BACKUP: {"backup_database_password": "backup_database_password"},
        "migration": {"wattmesh_database_url": "owner_database_url"},
        "broker": {
            name: name for name in ("mosquitto_passwords", "broker_certificate", "broker_key")
        },
        "grafana": {name: name for name in GRAFANA},
        **{name: {"wattmesh_database_url": f"{name}_database_url"} for name in DATABASE_SERVICES},
        **{
            user: {
                "wattmesh_mqtt_url": f"{user}_mqtt_url",
                "wattmesh_mqtts_url": f"{user}_mqtts_url",
                "mqtt_authority": "mqtt_authority",
            }
            for user in MQTT_USERS
        },
    }
    items = [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": f"{name}-secrets"},
            "stringData": {key: (folder / file).read_text() for key, file in files.items()},
        }
        for name, files in contents.items()
    ]
    return {"apiVersion": "v1", "kind": "List", "items": items}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
