"""The device conformance kit: does a device do what its profile says?

    python -m wattmesh_gateway.conformance PROFILE --host 192.168.1.20 --set active_power_w=2000

It runs the gateway's own driver against one device, as the gateway would, and writes a report.
"""
