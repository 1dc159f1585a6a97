"""Ids, quantities, time ranges, series, tariff arithmetic and the clock."""
