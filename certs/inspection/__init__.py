"""Explaining certificate, key, request, revocation list and PKCS#12 files in plain words.

Implements the SITHS function certificate profile as checks, each with its mend; nothing private is shown.
"""

from certs.inspection.inspect import inspect_file, needs_password
from certs.inspection.model import Inspection, Item, Problem

__all__ = ["Inspection", "Item", "Problem", "inspect_file", "needs_password"]
