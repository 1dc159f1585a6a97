"""Say what a data folder is, as JSON: `python -m wattmesh_twin.describe`.

Prints title, group, time zone, currency, the sites' names and the range in which all of them were
measured. Nothing is written and nobody is called.
"""

import json

from wattmesh_runtime.job import run_job
from wattmesh_runtime.service import Runtime
from wattmesh_twin.adapters.data.folder import load_folder
from wattmesh_twin.domain.dataset import DataSet
from wattmesh_twin.settings import TwinSettings


async def describe(settings: TwinSettings, _: Runtime) -> None:
    """Print the description of the data folder."""
    print(json.dumps(_description(load_folder(settings.data_folder, settings.homes))))


def _description(dataset: DataSet) -> dict[str, object]:
    span = dataset.measured_range()
    return {
        "title": dataset.title,
        "group": dataset.group.name,
        "time_zone": dataset.time_zone,
        "currency": dataset.prices.currency_code,
        "sites": [site.spec.id.name for site in dataset.sites],
        "start_time": span.start.isoformat(),
        "end_time": span.end.isoformat(),
    }


if __name__ == "__main__":
    run_job(TwinSettings, describe)
