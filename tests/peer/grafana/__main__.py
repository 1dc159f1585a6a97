"""Every question of Grafana's boards, asked of a running mesh and a real Prometheus, as JSON.

    python -m tests.peer.grafana [--seconds 90] [--state FOLDER]

Needs the programmes `prometheus` and `promtool` (Debian's package `prometheus`). The mesh of the
homes, or one that runs with `--metrics` and whose state folder is given, is followed for so long
by Prometheus as `deploy/prometheus` configures it; then each
panel's question is asked of Prometheus or of the mesh's own database, and `promtool` checks the
metrics of every process, the rules, and plays the alerts.

Exit status 1 when a question fails, or has no answer where a mesh that runs must give one.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import yaml

from tests.e2e.wattmesh_command import ROOT, Wattmesh
from tests.fakes.board_questions import Question, filled_in, questions
from wattmesh_local.running.ports import free_targets
from wattmesh_runtime.clocks import clock_from_spec

PROMETHEUS = ROOT / "deploy/prometheus"
MAY_BE_EMPTY = {
    *("Alerts", "Readings in doubt", "Temperature", "Readings refused", "Devices lost and back"),
    *("What devices do not do", "What plans had to do without", "What is away", "Trainings"),
    *("Measured hours not believed", "Forecasts that no model made, and why", "Exported"),
    *("How far the median moves", "What it had to do without"),
}
"""What a mesh in which all is well has nothing to say of, or not yet."""
_FETCH = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def main() -> int:
    """Run, ask, and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.peer.grafana")
    parser.add_argument("--seconds", type=float, default=90, help="how long the mesh runs")
    parser.add_argument("--state", type=Path, help="state folder of a mesh that runs")
    arguments = parser.parse_args()
    if shutil.which("prometheus") is None or shutil.which("promtool") is None:
        print("there is no prometheus: install it first", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="grafana-") as name:
        found = _asked(Path(name), arguments.seconds, arguments.state)
    print(json.dumps(found, indent=2))
    return 0 if found["sound"] else 1


def _asked(folder: Path, seconds: float, running: Path | None) -> dict[str, Any]:
    command = Wattmesh(folder)
    place = running or command.state_folder
    try:
        if running is None:
            state = command.start("up", "--plain", "--metrics").state()
        else:
            state = json.loads((running / "run/mesh.json").read_text())
        targets = place / "prometheus.json"
        with _prometheus(folder, targets) as address:
            time.sleep(seconds)
            asked = [each for each in questions() if each.source != "traces"]
            answers = {
                f"{each.title} ({number})": _answer(each, address, state)
                for number, each in enumerate(asked, start=1)
            }
            linted = _linted(json.loads(targets.read_text()))
    finally:
        command.end()
    failed = {title: each for title, each in answers.items() if isinstance(each, str)}
    empty = sorted(
        title
        for title, each in answers.items()
        if each == 0 and title.partition(": ")[2].rpartition(" (")[0] not in MAY_BE_EMPTY
    )
    rules = _promtool("test", "rules", str(PROMETHEUS / "rules_test.yml"))
    return {
        "questions": len(answers),
        "rows": answers,
        "failed": failed,
        "empty": empty,
        "metrics": linted,
        "rules": rules or "sound",
        "sound": not (failed or empty or any(linted.values()) or rules),
    }


@contextmanager
def _prometheus(folder: Path, targets: Path) -> Iterator[str]:
    """Run Prometheus on the mesh's targets, with the rules that are deployed; host:port."""
    configuration = folder / "prometheus.yml"
    configuration.write_text(
        yaml.safe_dump(
            {
                "global": {"scrape_interval": "2s", "evaluation_interval": "2s"},
                "rule_files": [str(PROMETHEUS / "rules.yml"), str(PROMETHEUS / "alerts.yml")],
                "scrape_configs": [
                    {"job_name": "wattmesh", "file_sd_configs": [{"files": [str(targets)]}]}
                ],
            }
        )
    )
    (address,) = free_targets(1)
    arguments = (
        *("prometheus", f"--config.file={configuration}", f"--web.listen-address={address}"),
        f"--storage.tsdb.path={folder / 'tsdb'}",
    )
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(arguments, stdout=log, stderr=log)
        try:
            yield address
        finally:
            process.terminate()
            process.wait(20)


def _answer(question: Question, prometheus: str, state: dict[str, Any]) -> int | str:
    """Return how many rows a question is answered with, or what is wrong with it."""
    try:
        if question.source == "prometheus":
            return _of_prometheus(question.text, prometheus)
        return _of_database(question.text, state)
    except (OSError, psycopg.Error, ValueError) as error:
        return str(error)


def _of_prometheus(expression: str, address: str) -> int:
    query = urllib.parse.urlencode({"query": expression})
    with _FETCH.open(f"http://{address}/api/v1/query?{query}", timeout=20) as answer:
        result: list[Any] = json.load(answer)["data"]["result"]
    return len(result)


def _of_database(sql: str, state: dict[str, Any]) -> int:
    now: datetime = clock_from_spec(state["clock"]).now()
    url = state["database_url"]
    with psycopg.connect(url, options="-c default_transaction_read_only=on") as connection:
        first = {
            "site": "SELECT name FROM metering.records WHERE kind = 'site' ORDER BY name LIMIT 1",
            "plan": "SELECT source FROM control.commands WHERE state = 'verified'"
            " ORDER BY number DESC LIMIT 1",
        }
        variables = {}
        for name, choice in first.items():
            (variables[name],) = connection.execute(choice.encode()).fetchone() or ("",)
        day = timedelta(days=1)
        text = filled_in(sql, now - day, now + day, variables)
        return len(connection.execute(text.encode()).fetchall())


def _linted(targets: list[dict[str, Any]]) -> dict[str, str]:
    """Return what promtool says of each process's metrics; empty: nothing."""
    found = {}
    for each in targets:
        with _FETCH.open(f"http://{each['targets'][0]}/metrics", timeout=20) as page:
            text = page.read()
        found[each["labels"]["process"]] = _promtool("check", "metrics", given=text)
    return found


def _promtool(*arguments: str, given: bytes = b"") -> str:
    """Return what promtool says when it is not content."""
    done = subprocess.run(["promtool", *arguments], input=given, capture_output=True, check=False)
    return "" if done.returncode == 0 else (done.stdout + done.stderr).decode()[:2000]


if __name__ == "__main__":
    sys.exit(main())
