# The verbs. Each brings what it needs; the work is in tools/, .importlinter and pyproject.toml.
PYTHON ?= python3
BIN := .venv/bin
PROCESSES ?= 2

.DEFAULT_GOAL := help
# Every verb has its word for `make help` on its line, and none makes a file of its name.
.PHONY: $(shell sed -n 's/^\([a-z0-9-]*\):.* \#\# .*/\1/p' $(firstword $(MAKEFILE_LIST)))

help:    ## list the verbs
	@sed -n 's/^\([a-z0-9-]*\): .*## /\1\t/p' Makefile

setup:   ## install everything that is missing or stale
	@$(PYTHON) tools/bootstrap.py setup

run: setup    ## the demo neighbourhood, live, until Ctrl-C
	@exec $(BIN)/wattmesh up --site street --homes 1-7 --events

test: setup   ## all tests: unit, integration, contract, end to end
	@exec $(BIN)/pytest --numprocesses $(PROCESSES) --no-loadscope-reorder --durations=40 --durations-min=3

e2e: setup    ## only the tests that run the whole mesh
	@exec $(BIN)/pytest tests/e2e

e2e-street: setup ## a day of vehicles at charge points through the whole mesh; takes some minutes
	@exec $(BIN)/pytest tests/e2e/street_day.py --override-ini 'python_files=street_*.py'

e2e-dashboard: setup ## every page of a running mesh in Debian's Chromium: looks, accessibility, acts; as JSON, with screenshots
	@exec $(BIN)/python -m tests.browser $(ARGUMENTS)

e2e-faults: setup ## a device of each kind on each protocol unplugged, silent and lying: what it costs, cell by cell, as JSON
	@exec $(BIN)/python -m tests.faults $(ARGUMENTS)

e2e-lighthouse: setup ## what Lighthouse says of every page of a running mesh: accessibility, best practices; as JSON
	@exec $(BIN)/python -m tests.browser.lighthouse $(ARGUMENTS)

bench-dashboard: setup ## a thousand sites in a list, a hundred browsers, memory and first load, in Debian's Chromium; as JSON
	@exec $(BIN)/python -m tests.bench.dashboard $(ARGUMENTS)

e2e-heat: setup ## days of two heat pumps through the whole mesh, until their zones are known; takes ten minutes
	@exec $(BIN)/pytest tests/e2e/heat_pump_days.py --override-ini 'python_files=heat_*.py'

bench: setup  ## measurements
	@exec $(BIN)/pytest tests/bench --override-ini 'python_files=bench_*.py' --capture=no

bench-optimizer: setup ## the optimizer beside a bare solve of the same matrices, as JSON
	@exec $(BIN)/python -m tests.bench.optimizer

bench-fleet: setup ## a thousand homes behind one feeder, and ten thousand planned one by one, as JSON
	@exec nice -n 10 $(BIN)/python -m tests.bench.fleet $(ARGUMENTS)

truth-optimizer: setup ## plans against an independent HiGHS, 300 random problems of each kind, as JSON
	@exec $(BIN)/python -m tests.truth.optimizer $(ARGUMENTS)

bench-citylearn: setup ## the product judged by CityLearn's official score on five homes, as JSON
	@exec $(BIN)/python -m tests.bench.citylearn $(ARGUMENTS)

bench-outage: setup ## 200 outages of a year: critical load served with plans that keep ready, without, and full; as JSON
	@exec nice -n 10 $(BIN)/python -m tests.bench.outage $(ARGUMENTS)

bench-promises: setup ## paid reductions of 17 homes over a year: what is promised and what comes, as JSON
	@exec nice -n 10 $(BIN)/python -m tests.bench.promises $(ARGUMENTS)

DATA ?= ../shared/data
bench-forecast: setup ## how good forecasts are beside LightGBM on the data in DATA, as JSON
	@exec nice -n 10 $(BIN)/python -m tests.bench.forecast $(DATA) $(ARGUMENTS)

bench-wind: setup ## how good forecasts of wind turbines are, told the wind and not, as JSON
	@exec nice -n 10 $(BIN)/python -m tests.bench.forecast.wind $(ARGUMENTS)

bench-pv: setup ## how good forecasts of a solar farm are beside LightGBM on the data in DATA, as JSON
	@exec nice -n 10 $(BIN)/python -m tests.bench.forecast.plants $(DATA) $(ARGUMENTS)

bench-occupancy: setup ## how well the occupants of homes are forecast, as JSON
	@exec nice -n 10 $(BIN)/python -m tests.bench.forecast.occupants $(ARGUMENTS)

bench-forecast-cost: setup ## what an issue of forecasts costs by the number of assets, as JSON
	@exec $(BIN)/python -m tests.bench.forecast_cost $(ARGUMENTS)

bench-loop: setup ## what a plan costs through the whole loop, by service and number of sites, as JSON
	@exec $(BIN)/python -m tests.bench.loop $(ARGUMENTS)

bench-ev: setup ## a workplace's week of charging sessions against plain rules and the offline optimum, as JSON: DATA=folder
	@exec $(BIN)/python -m tests.bench.ev $(DATA) $(ARGUMENTS)

bench-ev-street: setup ## a week of the demo street's vehicles, session by session, beside charging at once, as JSON
	@exec $(BIN)/python -m tests.bench.ev.street .wattmesh/data $(ARGUMENTS)

check-devices: setup ## drivers of every kind against twins: the conformance kit, and what is wrong with one costs that one alone
	@exec $(BIN)/python -m pytest tests/integration/gateway/conformance_of_twins.py tests/integration/gateway/faults_of_kinds.py tests/integration/gateway/runs_by_control.py $(ARGUMENTS)

check-profiles: setup ## the registers of device profiles against those that others use, as JSON: DATA=folder
	@exec $(BIN)/python -m tests.bench.profiles $(DATA)

bench-gateway-hostile: setup ## what hostile devices cost the healthy ones behind the same gateway, as JSON
	@exec $(BIN)/python -m tests.bench.gateway_hostile $(ARGUMENTS)

bench-hvac: setup ## how well zones are known after two weeks, and what heating them costs, as JSON
	@exec $(BIN)/python -m tests.bench.hvac $(ARGUMENTS)

bench-office: setup ## two weeks each in July and January of an office in EnergyPlus, run by the product, as JSON
	@exec $(BIN)/python -m tests.bench.hvac.office $(ARGUMENTS)

bench-regret: setup ## what plans would gain by more knowledge, at five homes and a campus, as JSON: DATA=folder
	@exec nice -n 10 $(BIN)/python -m tests.bench.regret $(DATA) $(ARGUMENTS)

bench-control: setup ## what control says of devices that lie, and how long a command and a turn take, as JSON
	@exec $(BIN)/python -m tests.bench.control $(ARGUMENTS)

peer-ocpp: setup ## the gateway against a charge point that is not ours, npm's ocpp-rpc, as JSON
	@exec $(BIN)/python -m tests.peer.ocpp_rpc

peer-opendsm: setup ## baselines by weather against the library of CalTRACK's authors, as JSON: DATA=folder; takes minutes
	@exec nice $(BIN)/python -m tests.peer.opendsm $(DATA) $(ARGUMENTS)

peer-alertmanager: setup ## alerting with a real Alertmanager: how fast, what a crowd makes of it, webhook and mail, as JSON
	@exec $(BIN)/python -m tests.peer.alertmanager $(ARGUMENTS)

e2e-grafana: setup ## every question of the boards to a running mesh and a real Prometheus; metrics and rules by promtool; as JSON
	@exec $(BIN)/python -m tests.peer.grafana $(ARGUMENTS)

peer-mosquitto: setup ## a real Mosquitto with the files of the deployment: who gets in, and who hears whom, as JSON
	@exec $(BIN)/python -m tests.peer.mosquitto

peer-timescale: setup ## the storage of readings on TimescaleDB (in WebAssembly, or ARGUMENTS="--url URL") and on PostgreSQL: the same answers
	@exec $(BIN)/python -m tests.peer.timescale $(ARGUMENTS)

peer-openadr: setup ## our VTN against two clients of PyPI that are not ours, and a storm of events, as JSON
	@exec $(BIN)/python -m tests.peer.openadr $(ARGUMENTS)

bench-loop-control: setup ## from a meter's word to the device by number of sites, and the answer to a step, as JSON
	@exec $(BIN)/python -m tests.bench.loop_control $(ARGUMENTS)

bench-reserve: setup ## how well 1, 10 and 50 batteries follow a regulation signal, by PJM's score, as JSON
	@exec $(BIN)/python -m tests.bench.reserve $(ARGUMENTS)

bench-event-storm: setup ## a thousand events of demand response at once, told twice, late and called off, as JSON
	@exec $(BIN)/python -m tests.bench.event_storm $(ARGUMENTS)

bench-ingest: setup ## readings through metering's stream beside a bare COPY into the same table, wall and CPU, as JSON
	@exec nice -n 10 $(BIN)/python -m tests.bench.metering_ingest $(ARGUMENTS)

bench-mqtt: setup ## telegrams of a thousand devices from MQTT to committed, beside mosquitto_sub, as JSON
	@exec nice -n 10 $(BIN)/python -m tests.bench.mqtt_ingest $(ARGUMENTS)

bench-metering: setup ## what queries take over many stored readings, and by which power of these that grows, as JSON
	@exec nice -n 10 $(BIN)/python -m tests.bench.metering $(ARGUMENTS)

bench-flags: setup ## precision and recall of validation's flags for faults put into a clean register, or into the meters in DATA, as JSON
	@exec nice -n 10 $(BIN)/python -m tests.bench.metering_flags $(DATA) $(ARGUMENTS)

bench-analytics: setup ## what bills cost by site-years, and which faults are found in measured data, as JSON: DATA=folder
	@exec $(BIN)/python -m tests.bench.analytics $(DATA) $(ARGUMENTS)

bench-scale: setup ## many sites due at one instant: forecasts lost, and plans in time, as JSON
	@exec $(BIN)/python -m tests.bench.scale $(ARGUMENTS)

fuzz: setup   ## every RPC of every service with what hypothesis thinks of, as JSON; takes long
	@exec $(BIN)/python -m tests.fuzz $(ARGUMENTS)

PACKAGE ?= metering
OVERLAY ?= development
BUILDER ?= docker
image: ## build the image of one part: PACKAGE=metering, BUILDER=docker, podman or buildah
	@exec $(BUILDER) build -f deploy/Dockerfile --build-arg PACKAGE=$(PACKAGE) -t wattmesh/$(PACKAGE):0.1.0 $(ARGUMENTS) .

chart: setup  ## write the Helm chart, a profile an overlay, below dist/
	@$(BIN)/python -m tools.chart dist && echo dist/wattmesh

e2e-chaos: setup ## a mesh to which something happens every few seconds, audited, as JSON: ARGUMENTS, see tests/chaos
	@exec $(BIN)/python -m tests.chaos $(ARGUMENTS)

kill-matrix: setup ## metering, database, gateway and broker killed, a full disk, clocks that step: lost, twice, recovery, as JSON
	@exec $(BIN)/python -m tests.kill_matrix $(ARGUMENTS)

e2e-k8s: setup ## the whole mesh on the cluster of KUBECONFIG, disturbed in every way, as JSON: ARGUMENTS, see tests/cluster
	@exec $(BIN)/python -m tests.cluster $(ARGUMENTS)

sbom: setup   ## what all of it is made of, with licences, as CycloneDX JSON
	@exec $(BIN)/python tools/sbom.py

k8s: setup    ## print the manifests of an overlay: OVERLAY=development, staging, production or edge
	@exec .tools/kubectl kustomize k8s/overlays/$(OVERLAY)

lint: setup   ## style, contracts, import directions, generated code
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/python tools/protos.py lint
	$(BIN)/python tools/protos.py breaking
	$(BIN)/python tools/protos.py check
	$(BIN)/lint-imports

types: setup  ## mypy, strict, and the TypeScript of the pages
	$(BIN)/mypy
	@$(PYTHON) tools/bootstrap.py page-types

protos: setup ## generate protos/python from protos/wattmesh
	$(BIN)/python tools/protos.py generate

lock:    ## compile requirements.lock from every pyproject.toml
	@$(PYTHON) tools/bootstrap.py lock

clean:   ## remove what setup, runs and tests have made, the local database too
	@$(PYTHON) tools/bootstrap.py clean
