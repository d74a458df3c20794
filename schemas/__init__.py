"""Schema files of every contract version, each folder laid out as a RIV-TA contract package; no logic here.

``<contract>/<version>/schemas/core_components`` and ``.../interactions/<contract>Interaction`` (RIV-TA folder rules).
"""

from pathlib import Path
from typing import Final

PACKAGE_ROOT: Final = Path(__file__).resolve().parent
