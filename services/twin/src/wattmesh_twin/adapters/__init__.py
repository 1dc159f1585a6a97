"""Modbus, MQTT, the ledger's files, data files and the clients of other services."""
