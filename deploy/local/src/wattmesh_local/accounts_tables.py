"""How bills, savings, scenarios and indicators look on a terminal."""

from collections.abc import Iterable, Iterator, Sequence

from rich.table import Table

from wattmesh.analytics.v1 import bill_pb2, indicators_pb2, measure_pb2, savings_pb2, scenario_pb2
from wattmesh.type.v1 import tariff_pb2
from wattmesh_contracts.values import datetime_from_proto

_KWH = (
    ("imported", "import_energy_kwh"),
    ("exported", "export_energy_kwh"),
    ("generated", "generation_energy_kwh"),
    ("consumed", "consumption_energy_kwh"),
)
_RATIOS = (
    ("self-sufficiency", "self_sufficiency_ratio"),
    ("self-consumption", "self_consumption_ratio"),
    ("load factor", "load_factor_ratio"),
    ("metered", "covered_ratio"),
)
_OPERATION = (
    ("commands with effect", "effect_ratio"),
    ("planned in time", "planned_ratio"),
    ("plans kept", "plan_adherence_ratio"),
    ("load forecasts better than naive ones by", "load_forecast_skill_ratio"),
    ("solar forecasts better than naive ones by", "pv_forecast_skill_ratio"),
    ("wind forecasts better than naive ones by", "wind_forecast_skill_ratio"),
    ("devices reached", "availability_ratio"),
    ("zones within their bands", "comfortable_ratio"),
)


def bill_table(found: bill_pb2.SiteBill) -> Table:
    """Return a bill by line."""
    start = datetime_from_proto(found.bill.range.start_time, "range")
    end = datetime_from_proto(found.bill.range.end_time, "range")
    table = table_of("for", "quantity", "amount")
    table.title = f"{found.site}, {found.tariff}, {start:%Y-%m-%d} to {end:%Y-%m-%d} UTC"
    for line in found.bill.lines:
        name = line.display_name or spoken(tariff_pb2.ChargeCause.Name(line.cause), "CHARGE_CAUSE_")
        if line.HasField("range"):
            since = datetime_from_proto(line.range.start_time, "range")
            name += f" from {since:%Y-%m-%d %H:%M}"
        if line.estimated_ratio:
            name += f" ({line.estimated_ratio:.1%} estimated)"
        table.add_row(name, f"{line.quantity:.3f} {line.unit}", f"{float(line.amount):.4f}")
    total = f"{found.bill.total_amount} {found.bill.currency_code}"
    table.add_row("total", f"{found.covered_ratio:.1%} metered", total, style="bold")
    return table


def estimated_times(found: bill_pb2.SiteBill) -> Iterator[str]:
    """Yield a line for each time of a bill whose energy was not metered."""
    for each in found.estimated_ranges:
        start = datetime_from_proto(each.start_time, "range")
        end = datetime_from_proto(each.end_time, "range")
        yield f"estimated: {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC"


def savings_table(total: savings_pb2.Savings, sites: Sequence[savings_pb2.Savings]) -> Table:
    """Return what was saved by site and together, and why."""
    table = table_of("site", "cost", "without", "saved", "between", "because of")
    for each in (*sites, total) if len(sites) > 1 else sites:
        parts = [
            f"{spoken(savings_pb2.SavingsCause.Name(part.cause), 'SAVINGS_CAUSE_')}"
            f" {float(part.amount):.2f}"
            for part in each.parts
            if float(part.amount)
        ]
        between = f"{each.saved_low_amount} … {each.saved_high_amount}"
        table.add_row(
            each.sites[0] if len(each.sites) == 1 else "together",
            each.metered.cost_amount,
            each.without.cost_amount,
            f"{each.saved_amount} {each.currency_code}",
            between if each.saved_low_amount else "",
            ", ".join(parts),
        )
    return table


def beside(total: savings_pb2.Savings) -> Iterator[str]:
    """Yield what belongs to a saving and is in no amount of it."""
    unit = total.currency_code
    if total.HasField("stored_energy_gain_kwh"):
        kwh = f"{total.stored_energy_gain_kwh:.2f} kWh"
        yield f"left more at the end: {kwh}, worth {total.stored_energy_amount} {unit}"
    if total.carbon_amount:
        yield f"emissions saved, by the price in the goals: {total.carbon_amount} {unit}"
    if total.metered.HasField("discomfort_kelvin_hours"):
        metered, without = total.metered, total.without
        yield (
            f"outside of the bands of zones: {metered.discomfort_kelvin_hours:.1f} K h,"
            f" without {without.discomfort_kelvin_hours:.1f}, worth {total.comfort_amount} {unit}"
        )
    if total.comparable_saved_amount:
        yield f"saved, with both sides as full and as warm: {total.comparable_saved_amount} {unit}"
    yield from left_as_it_was(total.left_out)


def left_as_it_was(left_out: Iterable[savings_pb2.LeftOut]) -> Iterator[str]:
    """Yield what a comparison could not move, and why."""
    for each in left_out:
        yield f"left as it was: {each.subject}: {each.message}"


def scenario_table(result: scenario_pb2.ScenarioResult) -> Table:
    """Return what a scenario came to beside what was metered."""
    table = table_of("", "metered", "scenario")
    unit = result.currency_code
    table.add_row("cost", result.metered_amount, f"{result.cost_amount} {unit}")
    table.add_row("peak", f"{result.metered_peak_kw:.2f}", f"{result.peak_kw:.2f} kW")
    if result.HasField("emissions_gco2e") and result.HasField("metered_emissions_gco2e"):
        metered = f"{result.metered_emissions_gco2e / 1000:.2f}"
        table.add_row("carbon", metered, f"{result.emissions_gco2e / 1000:.2f} kg CO2e")
    if result.HasField("vehicle_lacking_energy_kwh"):
        lacking = f"{result.vehicle_lacking_energy_kwh:.1f} kWh"
        table.add_row("vehicles left without", "0.0", lacking)
    if result.HasField("discomfort_kelvin_hours"):
        metered = f"{result.metered_discomfort_kelvin_hours:.1f}"
        table.add_row("too cold or warm", metered, f"{result.discomfort_kelvin_hours:.1f} K h")
    if result.HasField("tank_cold_kelvin_hours"):
        metered = f"{result.metered_tank_cold_kelvin_hours:.1f}"
        table.add_row("water too cold", metered, f"{result.tank_cold_kelvin_hours:.1f} K h")
    if result.HasField("unfinished_energy_kwh"):
        unfinished = f"{result.unfinished_energy_kwh:.1f} kWh"
        table.add_row("work not done", "0.0", unfinished)
    saved = f"{result.saved_amount} {unit}" if result.saved_amount else "another currency"
    table.add_row("would have saved", "", saved, style="bold")
    return table


def indicators_table(found: indicators_pb2.Indicators) -> Table:
    """Return the indicators of a span; what is not known is left out."""
    start = datetime_from_proto(found.range.start_time, "range")
    end = datetime_from_proto(found.range.end_time, "range")
    table = table_of("", "")
    table.title = f"{found.site or found.group}, {start:%Y-%m-%d} to {end:%Y-%m-%d} UTC"
    for title, field in _KWH:
        _row(table, title, found, field, "{:.1f} kWh")
    table.add_row("peak", f"{found.import_peak_kw:.2f} kW")
    for title, field in _RATIOS:
        _row(table, title, found, field, "{:.1%}")
    _row(table, "full cycles", found, "full_cycles", "{:.2f}")
    for title, field in _OPERATION:
        _row(table, title, found.operation, field, "{:.1%}")
    _row(table, "too cold or warm", found.operation, "discomfort_kelvin_hours", "{:.1f} K h")
    for asset in found.assets:
        _row(table, f"{asset.asset} reached", asset, "availability_ratio", "{:.1%}")
    return table


def measure_table(found: measure_pb2.MeasureSavings) -> Table:
    """Return what a measure of efficiency has saved."""
    table = table_of("", "")
    table.add_row("without it", f"{found.baseline_energy_kwh} kWh")
    table.add_row("metered", f"{found.metered_energy_kwh} kWh")
    between = f"{found.saved_low_energy_kwh} … {found.saved_high_energy_kwh}"
    table.add_row("saved", f"{found.saved_energy_kwh} kWh, between {between}", style="bold")
    if found.saved_amount:
        table.add_row("worth", f"{found.saved_amount} {found.currency_code}")
    table.add_row("hours that count", f"{found.covered_ratio:.1%}")
    table.add_row("the baseline is off by", f"{found.baseline_error_factor:.1%} of an hour's mean")
    if found.missing_months:
        months = ", ".join(str(month) for month in found.missing_months)
        table.add_row("months without a baseline", months)
    return table


def _row(table: Table, title: str, message: object, field: str, form: str) -> None:
    descriptor = message.DESCRIPTOR.fields_by_name[field]  # type: ignore[attr-defined]
    if not descriptor.has_presence or message.HasField(field):  # type: ignore[attr-defined]
        table.add_row(title, form.format(getattr(message, field)))


def table_of(*columns: str) -> Table:
    """Return an empty table without lines."""
    table = Table(box=None, pad_edge=False, show_edge=False, title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def spoken(name: str, prefix: str) -> str:
    """Return the name of an enum's value in words."""
    return name.removeprefix(prefix).lower().replace("_", " ")
