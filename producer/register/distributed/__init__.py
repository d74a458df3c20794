"""Distributed measurements of the register: import, reference values and slices (domain reference 4.3)."""

from __future__ import annotations

from producer.register.distributed import tables

__all__ = ["tables"]
