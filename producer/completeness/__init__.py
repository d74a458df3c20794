"""Is the report whole: what catalogue, organisations and earlier periods lead one to expect, and what is there."""

from __future__ import annotations

from producer.completeness.check import Completeness, check_completeness
from producer.completeness.model import MeasureState, Missing, Suspicion

__all__ = ["Completeness", "MeasureState", "Missing", "Suspicion", "check_completeness"]
