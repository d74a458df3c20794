"""From results to docs/performance.md: one table, pictures as SVG, machine, versions, how to repeat it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure as Canvas

from benchmarks.harness import Figure, Picture, Results, machine, short

_INTRODUCTION = """# Performance

Every figure is a ratio of two things measured in turns in the same run on the same machine, so that a busy or slow
machine changes both. Clients run on the same machine as the servers. Written by the benchmarks; to repeat it:

```
make bench-peers   # once: node-soap; gSOAP, PHP, nginx: apt install gsoap libgsoap-dev php-cli php-soap nginx
make bench         # the quick set, about ten minutes
make bench-all     # everything, with 5 000 000 measurements and an hour's worth of load
```
"""


_NOTES = """## How to read it

* **Peers.** gSOAP fills the objects of the answer for each call, as a service does that answers more than one question,
  from ones in memory; "objects made once" is the most that it can do. node-soap and PHP write the same measurements
  from their own objects. None of them reads a database; this producer does.
* **From memory** is the same server program that sends the finished bytes of one answer: what HTTP and TLS cost alone.
* **Polls.** The smallest SOAP answer is a constant from the same server program: no register, no check of message or
  caller, no log line. Consumers poll with the same message again and again, and the producer remembers the messages
  that it has verified; "a new one" has messages that were never seen before.
* **Two processes** answer messages that were never seen before, so that the client, on the same two cores, costs little
  beside them.
* **Import and publish** runs at nice 10 in the figures with callers beside it, as `docs/operations.md` advises.
"""


def write_report(results: Results, file: Path) -> None:
    """Write the report to ``file`` and its pictures into the folder ``pictures`` beside it."""
    pictures = file.parent / "pictures"
    pictures.mkdir(parents=True, exist_ok=True)
    parts = [_INTRODUCTION, _machine_text(), _table(results.figures)]
    for picture in results.pictures:
        _draw(picture, pictures / f"{picture.name}.svg")
        parts.append(f"![{picture.title}](pictures/{picture.name}.svg)\n")
    parts.append(_NOTES)
    if results.skipped:
        parts.append("Not measured in this run:\n\n" + "\n".join(f"* {reason}" for reason in results.skipped) + "\n")
    file.write_text("\n".join(parts), encoding="utf-8")


def _machine_text() -> str:
    facts = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in machine().items())
    return f"Measured {datetime.now(UTC):%Y-%m-%d}. {facts}.\n"


def _table(figures: list[Figure]) -> str:
    lines = ["| Figure | Measured | Goal | Held | Behind it |", "|---|---|---|---|---|"]
    for figure in figures:
        goal = "" if figure.goal is None else f"{figure.direction} {figure.goal:.3g}"
        held = ("yes" if figure.is_met else "**no**") if goal else ""
        behind = ", ".join(f"{name} {short(value)}" for name, value in figure.detail.items())
        lines.append(f"| {figure.name} | {figure.value:.3g} {figure.unit} | {goal} | {held} | {behind} |")
    return "\n".join(lines) + "\n"


def _draw(picture: Picture, file: Path) -> None:
    mpl.rcParams["svg.hashsalt"] = picture.name  # The same numbers give the same file.
    canvas = Canvas(figsize=(8, 0.9 + 0.45 * max(4, len(picture.data))), layout="constrained")
    axes = canvas.subplots()
    axes.set_title(picture.title, loc="left")
    axes.set_xlabel(picture.axis)
    if picture.kind == "bars":
        bars = axes.barh(list(picture.data), [values[0] for values in picture.data.values()], color="#2c6e91")
        axes.bar_label(bars, fmt=_label, padding=3)
        axes.invert_yaxis()
        if "log" in picture.axis:
            axes.set_xscale("log")
            axes.margins(x=0.12)  # Room for the label of the longest bar.
    else:
        for label, values in picture.data.items():
            ordered = sorted(values)
            axes.plot(ordered, [100 * (place + 1) / len(ordered) for place in range(len(ordered))], label=label)
        axes.set_ylabel("% of calls within")
        axes.set_xscale("log")
        axes.legend(loc="lower right", frameon=False)
    if picture.limit is not None:
        axes.axvline(picture.limit, color="#b3261e", linestyle="--")
    axes.spines[["top", "right"]].set_visible(False)
    canvas.savefig(file, metadata={"Date": None})


def _label(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
