"""Baselines by `opendsm`, in an environment of its own: reads one file of numpy, writes another.

It must import nothing of ours: its pandas is another.
"""

import sys
import time
import warnings
from typing import Any

import numpy as np
import pandas as pd


def main(given: Any, target: str) -> None:
    """Fit the first `baseline` hours of each series, and predict the others."""
    from opendsm import eemeter  # type: ignore[import-not-found]  # it is not in this environment

    index = pd.date_range(str(given["start"]), periods=len(given["celsius"]), freq="h", tz="UTC")
    index = index.tz_convert(str(given["zone"]))
    fahrenheit = pd.Series(given["celsius"] * 1.8 + 32, index=index)
    count, found = int(given["baseline"]), {}
    for name in (each for each in given.files if each.startswith("wh_")):
        began = time.process_time()
        table = pd.DataFrame({"observed": given[name], "temperature": fahrenheit}, index=index)
        before = eemeter.HourlyCaltrackBaselineData(table[:count].copy(), is_electricity_data=True)
        after = eemeter.HourlyCaltrackReportingData(table[count:].copy(), is_electricity_data=True)
        predicted = eemeter.HourlyCaltrackModel().fit(before).predict(after)
        found[name] = predicted["predicted"].to_numpy()
        found[f"cpu_{name}"] = time.process_time() - began
    np.savez(target, **found)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(np.load(sys.argv[1]), sys.argv[2])
