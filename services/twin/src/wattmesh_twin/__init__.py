"""Simulated sites that answer on real Modbus TCP and MQTT."""
