"""Device profiles: YAML files, and what reads them."""

from wattmesh_gateway.profiles.loader import load_profiles

__all__ = ["load_profiles"]
