"""Composition: command line, settings, logging, demo and doctor. It uses the other folders; nothing imports it."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("indikatorbryggan")
except PackageNotFoundError:
    __version__ = "0+unknown"
