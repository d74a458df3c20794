"""Schema files of every contract version, each folder laid out as a RIV-TA contract package; no logic here.

Under ``<contract>/<version>/``: ``schemas/core_components`` and ``schemas/interactions/<contract>Interaction``
as the RIV-TA folder rules say, and beside them the project's own Schematron.
"""

from pathlib import Path
from typing import Final

PACKAGE_ROOT: Final = Path(__file__).resolve().parent
