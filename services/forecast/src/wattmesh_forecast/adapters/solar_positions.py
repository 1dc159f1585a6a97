"""pvlib's solar positions without the rest of pvlib.

`pvlib.spa` is arithmetic on arrays and needs numpy alone. Importing it as a part of its package
imports that, and with it pandas and scipy: 140 MB, three fifths of this process. So its file is
loaded by itself, under a name of its own; where the package was imported already, that is used.
"""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

_PACKAGE = "pvlib"
_ALONE = "wattmesh_forecast_pvlib_spa"


def _load() -> ModuleType:
    if f"{_PACKAGE}.spa" in sys.modules:
        return sys.modules[f"{_PACKAGE}.spa"]
    if _ALONE in sys.modules:
        return sys.modules[_ALONE]
    package = importlib.util.find_spec(_PACKAGE)
    if package is None or package.origin is None:
        raise ModuleNotFoundError(f"{_PACKAGE} is not installed", name=_PACKAGE)
    spec = importlib.util.spec_from_file_location(_ALONE, Path(package.origin).with_name("spa.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[_ALONE] = module
    spec.loader.exec_module(module)
    return module


spa = _load()
