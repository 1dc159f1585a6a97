"""A site as a resource: applied, changed, made senseless and deleted, and what is registered then.

Its device belongs to a gateway that is not there, so that nobody dials an address of documentation,
and controls nothing: the simulated home stays the only one that is commanded.
"""

from collections.abc import Mapping
from typing import Any

from tests.cluster.kubectl import NAMESPACE, Document, Kubectl, until

NAME = "office"
SECONDS = 90


def try_site(kubectl: Kubectl) -> None:
    """Apply a site and hold what is registered against it, until it is gone again."""
    kubectl.apply([site(capacity_wh=10000, price=0.32)])
    _judged(kubectl, "True", "Registered")
    _registered(kubectl, capacity_wh=10000, price=0.32)
    kubectl.apply([site(capacity_wh=12000, price=0.41)])
    _judged(kubectl, "True", "Registered")
    _registered(kubectl, capacity_wh=12000, price=0.41)
    kubectl.apply([site(capacity_wh=-5, price=0.41)])
    _judged(kubectl, "False", None)
    _registered(kubectl, capacity_wh=12000, price=0.41)
    kubectl.apply([site(capacity_wh=12000, price=0.41)])
    _judged(kubectl, "True", "Registered")
    told = {
        (each["type"], each["reason"])
        for each in kubectl.found("events", None)
        if each["involvedObject"]["kind"] == "Site" and each["involvedObject"]["name"] == NAME
    }
    if ("Normal", "Registered") not in told or "Warning" not in {kind for kind, _ in told}:
        raise AssertionError(f"events about the site are {told}")
    kubectl("delete", "site", NAME, "--timeout=120s")
    until("the site has ended", lambda: not kubectl.asked("site", f"sites/{NAME}"), SECONDS)


def site(*, capacity_wh: float, price: float) -> Document:
    """Return the resource, with what is changed of it."""
    rates = {"tou_periods": [{"display_name": "All day", "price_per_kwh": price}]}
    return {
        "apiVersion": "wattmesh.io/v1alpha1",
        "kind": "Site",
        "metadata": {"name": NAME, "namespace": NAMESPACE},
        "spec": {
            "site": {"time_zone": "Europe/Berlin", "currency_code": "EUR", "tariff": NAME},
            "tariffs": {NAME: {"currency_code": "EUR", "import_rates": rates}},
            "assets": {
                "grid": {"grid_connection": {"max_import_power_w": 11000}},
                "battery": {
                    "battery": {
                        "capacity_wh": capacity_wh,
                        "max_charge_power_w": 5000,
                        "max_discharge_power_w": 5000,
                    }
                },
            },
            "devices": {
                "storage": {
                    "profile": "sunspec-battery",
                    "gateway": "elsewhere",
                    "connection": {"modbus_tcp": {"host": "192.0.2.7", "unit_id": 3}},
                    "reporting_interval": "10s",
                    "points": ["active_power_w", "soc_ratio"],
                    "functions": [{"asset": "battery", "meter_role": "main", "controls": False}],
                }
            },
            "deletionPolicy": "Delete",
        },
    }


def _judged(kubectl: Kubectl, status: str, reason: str | None) -> None:
    def is_judged() -> bool:
        site = kubectl.one("site", NAME)
        (condition, *_) = site.get("status", {}).get("conditions", [{}])
        return (
            condition.get("observedGeneration") == site["metadata"]["generation"]
            and condition["status"] == status
            and (reason is None or condition["reason"] == reason)
        )

    until(f"the site is judged {status}", is_judged, SECONDS)


def _registered(kubectl: Kubectl, *, capacity_wh: float, price: float) -> None:
    seen = summary(kubectl.asked("site", f"sites/{NAME}"))
    wanted = summary_of(capacity_wh=capacity_wh, price=price)
    if seen != wanted:
        raise AssertionError(f"registered is {seen}, and not {wanted}")


def summary(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return what matters of what the caller found registered."""
    assets, rates = found.get("assets", ()), found.get("tariff", {}).get("import_rates", {})
    return {
        "assets": len(assets),
        "capacity_wh": [each["battery"]["capacity_wh"] for each in assets if "battery" in each],
        "devices": [each["name"] for each in found.get("devices", ())],
        "prices": [each["price_per_kwh"] for each in rates.get("tou_periods", ())],
    }


def summary_of(*, capacity_wh: float, price: float) -> dict[str, Any]:
    """Return what the summary is of a site as it was applied."""
    return {
        "assets": 2,
        "capacity_wh": [capacity_wh],
        "devices": [f"sites/{NAME}/devices/storage"],
        "prices": [price],
    }
