"""Hostile input as data: what is sent to an endpoint, and what it must do with it (robustness reference 2).

The cases are the TOML files of this folder, one per family; `builders` makes the bodies too large or too odd for
a text file, `scripts.run` sends one and `judge` compares. Black box: any endpoint of the contract can be given them.
"""

from testsuites.hostile.cases import HostileCase, Variables, load_cases
from testsuites.hostile.judge import judge, leaks
from testsuites.hostile.scripts import run
from testsuites.hostile.sender import Outcome, Peer

__all__ = ["HostileCase", "Outcome", "Peer", "Variables", "judge", "leaks", "load_cases", "run"]
