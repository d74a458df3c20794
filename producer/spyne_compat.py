"""Lets spyne 2.14.0 be imported on Python 3.11, 3.12 and 3.13, and keeps request bodies out of its logs.

Its vendored six registers an import finder of the old protocol, which Python 3.12 no longer asks; its ``cgi``
comes from the package legacy-cgi on 3.13. A spyne release with six 1.16 and without cgi makes this needless.
"""

from __future__ import annotations

import importlib.util
import logging
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

_MOVES = "spyne.util.six.moves"
#: These two write the whole request at error level when it is not XML; the others log the same failures twice.
_NOISY_LOGGERS = (
    "spyne.protocol.soap.soap11.invalid",
    "spyne.protocol.xml.invalid",
    "spyne.application.client",
    "spyne.application.server",
    "spyne.server",
    "spyne.util.appreg",
)


class _VendoredSixFinder(MetaPathFinder):
    """Answers `find_spec` for spyne's vendored ``six.moves`` in the place of the importer that six registers."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,  # noqa: ARG002 (the protocol's signature)
        target: ModuleType | None = None,  # noqa: ARG002 (the protocol's signature)
    ) -> ModuleSpec | None:
        if not fullname.startswith(_MOVES):
            return None
        importer = sys.modules["spyne.util.six"]._importer
        return importlib.util.spec_from_loader(fullname, importer) if fullname in importer.known_modules else None


@contextmanager
def spyne_imports() -> Iterator[None]:
    """Make ``import spyne`` work inside the block, and silence what spyne would log of requests afterwards.

    The import itself warns of ``cgi`` and of six's finder; nothing of ours can mend that.
    """
    if not any(isinstance(one, _VendoredSixFinder) for one in sys.meta_path):
        sys.meta_path.append(_VendoredSixFinder())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", ImportWarning)
        warnings.simplefilter("ignore", SyntaxWarning)
        yield
    # Left there, it makes every later import of a module that does not exist warn on Python 3.11.
    sys.meta_path[:] = [one for one in sys.meta_path if type(one).__name__ != "_SixMetaPathImporter"]
    for name in _NOISY_LOGGERS:
        logging.getLogger(name).disabled = True
