"""Tell metering and carbon about the sites once: `python -m wattmesh_twin.provision`.

The same that the twin says when it starts, for whoever wants it said before anything runs. The run
begins, in the ledger, at the time of this job's clock.
"""

from wattmesh_runtime.job import run_job
from wattmesh_twin.settings import TwinSettings
from wattmesh_twin.wiring import provision

if __name__ == "__main__":
    run_job(TwinSettings, provision)
