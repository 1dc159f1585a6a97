"""What is planned: assets, sites, limits, requirements, plans and the physics between them.

Powers are in kW and energies in kWh here; power into a component is positive.
"""
