"""The results as a table: for a terminal, and in docs/performance.md."""

from bench.figures import FIGURES
from bench.site import ROOT

DOCUMENT = ROOT / "docs/performance.md"
BEGIN, END = "<!-- figures: written by ./bench.sh -->", "<!-- end of figures -->"
HEADER = ["figure", "must", "aim", "median", "quartiles", "peer in the same run", "verdict"]


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
    return f"{text} {unit}".strip() if unit not in ("x", "/s") else text + ("/s" if unit == "/s" else "")


def rows(results):
    """A row for each figure that was measured."""
    for figure in FIGURES:
        result = results["figures"].get(figure.name)
        if result:
            yield figure, result, cells(figure, result)


def cells(figure, result):
    sign = ">= " if figure.more else "<= "
    limit = lambda value: "-" if value is None else sign + number(value, figure.unit)
    peer = result["peer"]
    if "ours" in result:
        unit = result["unit"].split()[0]
        compared = f"{number(result['ours']['median'])} {unit} over {number(peer['median'])} {unit}"
    else:
        compared = number(peer["median"], result["unit"])
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
    """Replaces what stands between the marks."""
    table = ["| " + " | ".join(HEADER) + " |", "|" + " --- |" * len(HEADER)]
    table += ["| " + " | ".join(cells) + " |" for _, _, cells in rows(results)]
    text = DOCUMENT.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    DOCUMENT.write_text(before + BEGIN + "\n\n" + "\n".join(table) + "\n\n" + END + after)
