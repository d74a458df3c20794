"""Schema files of every contract version, each laid out as a RIV-TA contract package; no logic here.

Below ``<contract>/<version>/`` stand ``schemas/core_components`` and ``schemas/interactions/...`` as the
RIV-TA folder rules say, and beside them the project's own Schematron.
"""

from pathlib import Path
from typing import Final

PACKAGE_ROOT: Final = Path(__file__).resolve().parent
