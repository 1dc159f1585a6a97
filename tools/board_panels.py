"""What Grafana's boards show. Times in SQL are by the mesh's clock, in PromQL by Prometheus's."""

from tools.boards import DATABASE, PROMETHEUS, TRACES, Board, Panel, Variable

_CALLS = "rpc_server_call_duration_seconds"
_SITE = Variable(
    name="site",
    label="Site",
    ask="SELECT name FROM metering.records WHERE kind = 'site' AND delete_time IS NULL ORDER BY 1",
)
_PLAN = Variable(
    name="plan",
    label="Plan",
    ask="SELECT name FROM planner.plans ORDER BY start_time DESC, name LIMIT 500",
)
_TRACE = Variable(
    name="trace",
    label="Trace",
    # Its ids are worked out as services/runtime says: from the plan's name, without its attempt.
    ask="SELECT encode(substring(sha256(convert_to('wattmesh/turn/' || regexp_replace("
    r"'$plan', '(^plans/)|((?<=-\d{8}t\d{4}z)-\d+$)', '', 'g'), 'UTF8')) FOR 16), 'hex')",
    hidden=True,
)


def _gauge(quantity: str) -> str:
    return f"""
        SELECT measure_time AS time, split_part(points.device, '/', 4) AS metric, value
        FROM metering.readings JOIN metering.points USING (point_key)
        WHERE points.device LIKE '$site/devices/%' AND points.quantity = '{quantity}'
          AND $__timeFilter(measure_time) ORDER BY 1"""


def _register(quantity: str) -> str:
    """Ask for mean power between readings of an energy register [W]."""
    return f"""
        SELECT measure_time AS time, metric, 3600 * (value - before)
            / extract(epoch FROM measure_time - time_before) AS value
        FROM (
            SELECT measure_time, split_part(points.device, '/', 4) AS metric, value,
                lag(value) OVER meter AS before, lag(measure_time) OVER meter AS time_before
            FROM metering.readings JOIN metering.points USING (point_key)
            WHERE points.device LIKE '$site/devices/%' AND points.quantity = '{quantity}'
              AND $__timeFilter(measure_time)
            WINDOW meter AS (PARTITION BY point_key ORDER BY measure_time)
        ) AS read WHERE value >= before ORDER BY 1"""


SITES = Board(
    uid="wattmesh-sites",
    title="Wattmesh: a site",
    variables=(_SITE,),
    panels=(
        Panel(
            title="Imported",
            ask=_register("import_energy_wh"),
            source=DATABASE,
            unit="watt",
            about="Mean power between two readings of each register; at an exchange: nothing.",
        ),
        Panel(title="Exported", ask=_register("export_energy_wh"), source=DATABASE, unit="watt"),
        Panel(
            title="Power",
            ask=_gauge("active_power_w"),
            source=DATABASE,
            unit="watt",
            about="As devices say it; into the device is positive.",
        ),
        Panel(
            title="State of charge",
            ask=_gauge("soc_ratio"),
            source=DATABASE,
            unit="percentunit",
            most=1,
        ),
        Panel(
            title="Told",
            ask="""
                SELECT start_time AS time, split_part(device, '/', 4) || ' ' || kind AS metric,
                    value
                FROM control.commands WHERE site = '$site' AND $__timeFilter(start_time)
                  AND state NOT IN ('refused', 'superseded') ORDER BY 1""",
            source=DATABASE,
            unit="watt",
            about="What devices were told, in the unit of its kind.",
        ),
        Panel(
            title="Metered while told",
            ask="""
                SELECT start_time AS time, split_part(device, '/', 4) AS metric,
                    metered_power_w AS value
                FROM control.commands WHERE site = '$site' AND $__timeFilter(start_time)
                  AND metered_power_w IS NOT NULL ORDER BY 1""",
            source=DATABASE,
            unit="watt",
        ),
        Panel(
            title="Temperature",
            ask=_gauge("temperature_celsius"),
            source=DATABASE,
            unit="celsius",
        ),
        Panel(
            title="Alerts",
            ask="""
                SELECT fire_time AS time, rule, end_time, acknowledgement IS NOT NULL AS taken_on
                FROM alerting.alerts WHERE site = '$site' AND $__timeFilter(fire_time)
                ORDER BY fire_time DESC LIMIT 100""",
            source=DATABASE,
            type="table",
        ),
        Panel(
            title="Readings in doubt",
            ask="""
                SELECT reading_flags.start_time, reading_flags.end_time, points.name, kind,
                    excludes, message
                FROM metering.reading_flags JOIN (
                    SELECT point_key, name, device FROM metering.points
                ) AS points USING (point_key)
                WHERE points.device LIKE '$site/devices/%' AND clear_time IS NULL
                  AND $__timeFilter(reading_flags.start_time)
                ORDER BY reading_flags.start_time DESC LIMIT 200""",
            source=DATABASE,
            type="table",
            width=24,
        ),
    ),
)

FLEET = Board(
    uid="wattmesh-fleet",
    title="Wattmesh: all sites",
    panels=(
        Panel(
            title="Sites",
            source=DATABASE,
            type="stat",
            width=4,
            height=4,
            ask="SELECT count(*) FROM metering.records WHERE kind = 'site' AND delete_time IS NULL",
        ),
        Panel(
            title="Devices",
            source=DATABASE,
            type="stat",
            width=4,
            height=4,
            ask="SELECT count(*) FROM metering.records"
            " WHERE kind = 'device' AND delete_time IS NULL",
        ),
        Panel(
            title="Live commands",
            source=DATABASE,
            type="stat",
            width=4,
            height=4,
            ask="SELECT count(*) FROM control.commands WHERE close_time IS NULL",
        ),
        Panel(
            title="Alerts that fire",
            source=DATABASE,
            type="stat",
            width=4,
            height=4,
            ask="SELECT count(*) FROM alerting.alerts WHERE end_time IS NULL",
        ),
        Panel(
            title="Devices offline",
            source=PROMETHEUS,
            type="stat",
            width=4,
            height=4,
            ask={"offline": "sum(wattmesh_gateway_devices_offline)"},
        ),
        Panel(
            title="Devices amiss",
            source=PROMETHEUS,
            type="stat",
            width=4,
            height=4,
            ask={"amiss": "max(wattmesh_control_devices_amiss)"},
        ),
        Panel(
            title="Plans by state",
            source=DATABASE,
            ask="""
                SELECT date_bin('1 hour', start_time, '2000-01-01') AS time, state AS metric,
                    count(*) AS value
                FROM planner.plans WHERE $__timeFilter(start_time) GROUP BY 1, 2 ORDER BY 1""",
        ),
        Panel(
            title="What plans had to do without",
            source=DATABASE,
            type="table",
            ask="""
                SELECT each ->> 'topic' AS topic, each ->> 'reason' AS reason,
                    each ->> 'remedy' AS remedy, count(*) AS plans
                FROM planner.plans, jsonb_array_elements(degradations) AS each
                WHERE $__timeFilter(start_time) GROUP BY 1, 2, 3 ORDER BY 4 DESC LIMIT 100""",
        ),
        Panel(
            title="Commands by state",
            source=DATABASE,
            ask="""
                SELECT date_bin('1 hour', start_time, '2000-01-01') AS time, state AS metric,
                    count(*) AS value
                FROM control.commands WHERE $__timeFilter(start_time) GROUP BY 1, 2 ORDER BY 1""",
        ),
        Panel(
            title="Verdicts of the meters",
            source=DATABASE,
            ask="""
                SELECT date_bin('1 hour', start_time, '2000-01-01') AS time, effect AS metric,
                    count(*) AS value
                FROM control.commands WHERE $__timeFilter(start_time) AND effect_final
                GROUP BY 1, 2 ORDER BY 1""",
        ),
        Panel(
            title="From setpoint to device",
            source=DATABASE,
            unit="s",
            about="Half and 95 % of commands were read back so long after they were made.",
            ask="""
                SELECT date_bin('1 hour', create_time, '2000-01-01') AS time,
                    percentile_cont(0.5) WITHIN GROUP (ORDER BY took) AS half,
                    percentile_cont(0.95) WITHIN GROUP (ORDER BY took) AS most
                FROM (
                    SELECT create_time, extract(epoch FROM verify_time - create_time) AS took
                    FROM control.commands
                    WHERE verify_time IS NOT NULL AND $__timeFilter(create_time)
                ) AS read_back GROUP BY 1 ORDER BY 1""",
        ),
        Panel(
            title="What devices do not do",
            source=DATABASE,
            type="table",
            ask="""
                SELECT device, effect, effect_reason, count(*) AS commands,
                    max(start_time) AS newest
                FROM control.commands
                WHERE $__timeFilter(start_time) AND effect IN ('none', 'contrary', 'partial')
                GROUP BY 1, 2, 3 ORDER BY 4 DESC LIMIT 100""",
        ),
        Panel(
            title="Readings refused",
            source=DATABASE,
            type="table",
            ask="""
                SELECT sources.name AS source, reason, count(*) AS readings,
                    max(reject_time) AS newest
                FROM metering.rejected_readings JOIN metering.sources USING (source_key)
                WHERE $__timeFilter(reject_time) GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 100""",
        ),
        Panel(
            title="Devices lost and back",
            source=DATABASE,
            type="table",
            ask="""
                SELECT time, device, what, message FROM control.device_events
                WHERE $__timeFilter(time) ORDER BY time DESC LIMIT 200""",
        ),
    ),
)

SERVICES = Board(
    uid="wattmesh-services",
    title="Wattmesh: services",
    since="now-6h",
    panels=(
        Panel(
            title="Ready",
            source=PROMETHEUS,
            most=1,
            ask={"{{service_name}}": "min by (service_name) (wattmesh_process_ready)"},
        ),
        Panel(
            title="What is away",
            source=PROMETHEUS,
            ask={
                "{{service_name}} without {{wattmesh_dependency}}": "1 - min by"
                " (service_name, wattmesh_dependency) (wattmesh_dependency_available) > 0"
            },
        ),
        Panel(
            title="Calls",
            source=PROMETHEUS,
            unit="reqps",
            ask={"{{service_name}}": "service:rpc_server_calls:rate5m"},
        ),
        Panel(
            title="95 % of calls within",
            source=PROMETHEUS,
            unit="s",
            ask={"{{service_name}}": "service:rpc_server_call_duration_seconds:p95_5m"},
        ),
        Panel(
            title="Calls that fail",
            source=PROMETHEUS,
            unit="percentunit",
            about="Of faults of its own, not of its callers.",
            ask={"{{service_name}}": "service:rpc_server_failures:ratio_rate10m"},
        ),
        Panel(
            title="Slowest methods",
            source=PROMETHEUS,
            unit="s",
            type="table",
            ask={
                "{{rpc_method}}": "topk(20, histogram_quantile(0.95, sum by (le, rpc_method)"
                f" (rate({_CALLS}_bucket[15m]))))"
            },
        ),
        Panel(
            title="Plans",
            source=PROMETHEUS,
            ask={"{{state}}": "sum by (state) (rate(wattmesh_planner_plans_total[15m]))"},
        ),
        Panel(
            title="95 % of solves within",
            source=PROMETHEUS,
            unit="s",
            ask={
                "optimizer": "histogram_quantile(0.95, sum by (le)"
                " (rate(wattmesh_optimizer_solve_duration_seconds_bucket[15m])))",
                "planner": "histogram_quantile(0.95, sum by (le)"
                " (rate(wattmesh_planner_solve_duration_seconds_bucket[15m])))",
            },
        ),
        Panel(
            title="Commands",
            source=PROMETHEUS,
            ask={
                "{{wattmesh_command_state}}": "sum by (wattmesh_command_state)"
                " (rate(wattmesh_control_commands_total[15m]))"
            },
        ),
        Panel(
            title="Gateways with a line, and their shards",
            source=PROMETHEUS,
            ask={
                "lines": "sum(wattmesh_control_gateways)",
                "shards": "sum(wattmesh_control_shards)",
            },
        ),
        Panel(
            title="Readings",
            source=PROMETHEUS,
            unit="wps",
            ask={"{{outcome}}": "sum by (outcome) (rate(wattmesh_metering_readings_total[5m]))"},
        ),
        Panel(
            title="95 % of commits within",
            source=PROMETHEUS,
            unit="s",
            ask={
                "commit": "histogram_quantile(0.95, sum by (le)"
                " (rate(wattmesh_metering_commit_duration_seconds_bucket[5m])))"
            },
        ),
        Panel(
            title="Readings in the spool",
            source=PROMETHEUS,
            ask={"{{service_name}}": "sum by (service_name) (wattmesh_gateway_readings_spooled)"},
        ),
        Panel(
            title="Gateway: taken, polled, forwarded, rejected",
            source=PROMETHEUS,
            unit="wps",
            ask={
                "taken": "sum(rate(wattmesh_gateway_readings_received_total[5m]))",
                "polled": "sum(rate(wattmesh_gateway_readings_polled_total[5m]))",
                "forwarded": "sum(rate(wattmesh_gateway_readings_forwarded_total[5m]))",
                "rejected": "sum(rate(wattmesh_gateway_readings_rejected_total[5m]))",
            },
        ),
        Panel(
            title="Carbon: intervals that nobody published",
            source=PROMETHEUS,
            unit="percentunit",
            ask={
                "share": "sum(rate(wattmesh_carbon_intervals_read_total{"
                'wattmesh_carbon_known="false"}[15m]))'
                " / sum(rate(wattmesh_carbon_intervals_read_total[15m]))"
            },
        ),
        Panel(
            title="Clocks of gateways",
            source=PROMETHEUS,
            unit="s",
            ask={"largest difference": "max(wattmesh_control_gateways_clock_skew_seconds)"},
        ),
    ),
)

FORECASTS = Board(
    uid="wattmesh-forecasts",
    title="Wattmesh: forecasts",
    panels=(
        Panel(
            title="Forecasts by source",
            source=PROMETHEUS,
            about="Seasonal ones are made where no model answers.",
            ask={
                "{{wattmesh_forecast_source}}": "sum by (wattmesh_forecast_source)"
                " (rate(wattmesh_forecast_issued_total[15m]))"
            },
        ),
        Panel(
            title="Forecasts that no model made, and why",
            source=PROMETHEUS,
            ask={
                "{{wattmesh_forecast_refusal}}": "sum by (wattmesh_forecast_refusal)"
                " (rate(wattmesh_forecast_model_refused_total[15m]))"
            },
        ),
        Panel(
            title="How far the median moves",
            source=DATABASE,
            unit="percentunit",
            about="Mean change of the first hour's median against the issue an hour before, by its"
            " mean size: what forecasts of each asset are off by at least. What they are off by"
            " against meters is EvaluateForecasts' answer, and the dashboard's page Forecasts.",
            ask="""
                SELECT date_bin('6 hours', issue_time, '2000-01-01') AS time, kind AS metric,
                    avg(abs(now_w - before_w)) / nullif(avg(abs(now_w)), 0) AS value
                FROM (
                    SELECT issue_time, kind, power_w[middle][1] AS now_w,
                        lag(power_w[middle][least(2, array_length(power_w, 2))])
                            OVER (PARTITION BY asset, kind ORDER BY issue_time) AS before_w
                    FROM (
                        SELECT *, (cardinality(quantile_ratios) + 1) / 2 AS middle
                        FROM forecast.forecasts
                    ) AS middled
                    WHERE $__timeFilter(issue_time)
                ) AS issued GROUP BY 1, 2 ORDER BY 1""",
        ),
        Panel(
            title="Width of the fan",
            source=DATABASE,
            unit="watt",
            about="Between the lowest and the highest quantile of the first interval.",
            ask="""
                SELECT date_bin('1 hour', issue_time, '2000-01-01') AS time, kind AS metric,
                    avg(power_w[array_length(power_w, 1)][1] - power_w[1][1]) AS value
                FROM forecast.forecasts WHERE $__timeFilter(issue_time)
                GROUP BY 1, 2 ORDER BY 1""",
        ),
        Panel(
            title="Age of what went into it",
            source=DATABASE,
            unit="s",
            ask="""
                SELECT date_bin('1 hour', issue_time, '2000-01-01') AS time, kind AS metric,
                    max(extract(epoch FROM issue_time - last_measured_time)) AS value
                FROM forecast.forecasts
                WHERE $__timeFilter(issue_time) AND last_measured_time IS NOT NULL
                GROUP BY 1, 2 ORDER BY 1""",
        ),
        Panel(
            title="Measured hours not believed",
            source=DATABASE,
            type="table",
            ask="""
                SELECT asset, fault, sum(hours) AS hours, max(issue_time) AS newest
                FROM forecast.forecasts, unnest(input_faults, input_fault_hours) AS x(fault, hours)
                WHERE $__timeFilter(issue_time) GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 100""",
        ),
        Panel(
            title="Trainings",
            source=DATABASE,
            type="table",
            width=24,
            ask="""
                SELECT start_time AS time, name, model, state, stage, progress_ratio, error, result
                FROM forecast.trainings WHERE $__timeFilter(start_time)
                ORDER BY start_time DESC LIMIT 50""",
        ),
    ),
)

TURN = Board(
    uid="wattmesh-turn",
    title="Wattmesh: one turn of the loop",
    since="now-7d",
    variables=(_PLAN, _TRACE),
    panels=(
        Panel(
            title="The plan",
            source=DATABASE,
            type="table",
            width=24,
            height=5,
            ask="""
                SELECT name, scope, state, issue_time, accept_time, start_time, end_time, solve_ms,
                    message, sources FROM planner.plans WHERE name = '$plan'""",
        ),
        Panel(
            title="What it had to do without",
            source=DATABASE,
            type="table",
            height=7,
            ask="""
                SELECT each ->> 'topic' AS topic, each ->> 'reason' AS reason,
                    each ->> 'remedy' AS remedy, each AS whole
                FROM planner.plans, jsonb_array_elements(degradations) AS each
                WHERE name = '$plan'""",
        ),
        Panel(
            title="Commands by state",
            source=DATABASE,
            type="table",
            height=7,
            ask="""
                SELECT state, effect, count(*) AS commands FROM control.commands
                WHERE source = '$plan' GROUP BY 1, 2 ORDER BY 3 DESC""",
        ),
        Panel(
            title="From setpoint to metered effect",
            source=DATABASE,
            type="table",
            width=24,
            height=10,
            ask="""
                SELECT device, kind, start_time, end_time, requested_value, value, create_time,
                    dispatch_time, apply_time, verify_time, read_back_value, metered_power_w,
                    state, effect, effect_reason, message
                FROM control.commands WHERE source = '$plan' ORDER BY start_time, device""",
        ),
        Panel(
            title="What happened, in order",
            source=DATABASE,
            type="table",
            width=24,
            height=10,
            ask="""
                SELECT transitions.time, transitions.record_time, commands.device,
                    transitions.state, commands.command
                FROM control.transitions JOIN control.commands
                    ON commands.number = transitions.command
                WHERE commands.source = '$plan' ORDER BY transitions.record_time""",
        ),
        Panel(
            title="The trace",
            source=TRACES,
            type="traces",
            ask="$trace",
            width=24,
            height=16,
            about="Through all services, MQTT and Modbus: there while its traces are kept.",
        ),
    ),
)

BOARDS = (SITES, FLEET, SERVICES, FORECASTS, TURN)
