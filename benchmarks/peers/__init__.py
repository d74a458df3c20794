"""Peers that the benchmarks compare with, run on the same machine in the same minute."""
