"""`make check-profiles DATA=folder`: profiles against the registers that others use, as JSON."""

import argparse
import json
import sys
from pathlib import Path

from tests.bench.profiles.facts import compared, read_facts, template_of
from wattmesh_gateway.drivers.modbus_tcp.profile import ModbusProfile
from wattmesh_gateway.drivers.registry import SCHEMAS
from wattmesh_gateway.profiles import load_profiles


def main() -> int:
    """Compare; 0 when nothing differs and there are facts about each profile made from them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    facts = read_facts(parser.parse_args().data)
    found = {
        name: compared(profile, facts)
        for name, profile in load_profiles(SCHEMAS).items()
        if isinstance(profile, ModbusProfile) and template_of(profile) is not None
    }
    differences = [said for each in found.values() for said in each.differences]
    unknown = [name for name, each in found.items() if not each.compared]
    report = {
        "profiles": len(found),
        "points": sum(each.points for each in found.values()),
        "compared": sum(each.compared for each in found.values()),
        "without_a_fact": unknown,
        "differences": differences,
    }
    json.dump(report, sys.stdout, indent=2)
    print()
    return 1 if differences or unknown else 0


if __name__ == "__main__":
    sys.exit(main())
