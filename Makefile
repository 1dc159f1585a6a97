# The verbs; the work is in tools/. `make help` lists them.
PY := .venv/bin/python

.PHONY: protos
protos:  ## generate protos/python from protos/wattmesh
	@$(PY) tools/protos.py generate
