"""The results as a table: for a terminal, and with plots in docs/performance.md."""

import math
from dataclasses import replace

from bench import plot
from bench.figures import FIGURES
from bench.site import ROOT

DOCUMENT, PLOTS = ROOT / "docs/performance.md", ROOT / "docs/performance"
BEGIN, END = "<!-- figures: written by ./bench.sh -->", "<!-- end of figures -->"
HEADER = ["figure", "must", "aim", "median", "quartiles", "peer in the same run", "verdict"]

# By name: title, what goes across, what goes up.
GROWTH = {
    "jobs": ("Pings at once", "jobs at once", "seconds until the last has ended"),
    "hosts": ("Hosts of one ping", "hosts, all of them this machine", "seconds"),
    "events": ("Events of one run, on one core", "events", "seconds"),
    "stored": ("Jobs in the store", "jobs stored", "milliseconds"),
}


def number(value, unit=""):
    """With as many digits as mean something."""
    if value is None:
        return "-"
    if abs(value) >= 1000:
        text = f"{value:,.0f}"
    elif abs(value) >= 100 or value == int(value):
        text = f"{value:.0f}"
    elif abs(value) >= 10:
        text = f"{value:.1f}"
    else:
        text = f"{value:.2f}"
    return {"x": text, "/s": f"{text}/s", "": text}.get(unit, f"{text} {unit}")


def rows(results):
    """Each figure that was measured, with its result and its cells."""
    for figure in FIGURES:
        for executor in ("", "warm", "runner"):
            result = results["figures"].get(f"{figure.name}@{executor}".rstrip("@"))
            if result:
                named = replace(figure, title=f"{figure.title}, executor `{executor}`", notes="") if executor else figure
                yield named, result, cells(named, result)


def cells(figure, result):
    sign = ">= " if figure.more else "<= "

    def limit(value):
        if value == math.inf:
            return "nothing left"
        return "-" if value is None else sign + number(value, figure.unit)

    peer = result["peer"]
    compared = number(peer["median"], result["unit"])
    if "own" in result:
        unit = result["unit"].split()[0]
        compared = f"{number(result['own']['median'], unit)} over {number(peer['median'], unit)}"
    return [
        figure.title,
        limit(figure.must),
        limit(figure.aim),
        number(result["median"], figure.unit),
        f"{number(result['low'])} - {number(result['high'])}",
        compared,
        figure.verdict(result["median"]),
    ]


def text_table(results):
    """For a terminal."""
    lines = [HEADER] + [cells for _, _, cells in rows(results)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(HEADER))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines)


def write(results):
    """Replaces what stands between the marks, and the plots."""
    PLOTS.mkdir(exist_ok=True)
    for name, lines in results["growth"].items():
        (PLOTS / f"{name}.svg").write_text(plot.svg(*GROWTH[name], lines))
    text = DOCUMENT.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    DOCUMENT.write_text(before + BEGIN + "\n\n" + "\n".join(generated(results)) + "\n\n" + END + after)


def generated(results):
    """The lines between the marks."""
    found = list(rows(results))
    machine = results["machine"]
    loads = [result["load"] for _, result, _ in found]
    yield (f"{machine['cores']} cores, {machine['memory_gib']} GB of memory, {machine['system']}. Load of the machine before "
           f"the parts: {min(loads):.1f} to {max(loads):.1f}.")
    if any(result["is_quick"] for _, result, _ in found):
        yield "Some of it was measured in few rounds (`--quick`)."
    yield ""
    yield "| " + " | ".join(HEADER) + " |"
    yield "|" + " --- |" * len(HEADER)
    for _, _, cells in found:
        yield "| " + " | ".join(cells) + " |"
    yield ""
    for figure, result, _ in found:
        yield f"- **{figure.title}.** {' '.join(remarks(figure, result))}"
    # A plot of an earlier run stays until its part is measured again.
    for name, (title, across, up) in GROWTH.items():
        if not (PLOTS / f"{name}.svg").exists():
            continue
        yield ""
        yield f"![{title}: {up} over {across}](performance/{name}.svg)"


def remarks(figure, result):
    """The sentences about a line of the table."""
    yield f"Peer: {figure.peer}."
    if "each" in result:
        unit = result["unit"].split()[0]
        parts = [f"{name} {number(value, unit)}" for name, value in result["each"].items()]
        yield f"Parts: {', '.join(parts)}."
    if "after" in result:
        yield f"After the first job, processes with Ansible imported: {number(result['after'], figure.unit)}."
    if "p50" in result:
        yield f"Median: {number(result['p50'], figure.unit)}."
    if "wrk" in result:
        yield f"Its load from `wrk`: {number(result['wrk'], figure.unit)}."
    if figure.notes:
        yield figure.notes
