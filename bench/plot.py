"""Small plots as SVG: lines over logarithmic axes, readable in light and dark."""

import math

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 560, 310, 60, 46, 16, 44
LEGEND = 170
# One style sheet for both: the colors of text and lines follow the reader's system setting.
STYLE = """
text { font: 12px system-ui, sans-serif; fill: #24292f }
.grid { stroke: #d0d7de; stroke-width: 1 }
.line { fill: none; stroke-width: 2 }
.c0 { stroke: #0969da; fill: #0969da } .c1 { stroke: #bc4c00; fill: #bc4c00 } .c2 { stroke: #1a7f37; fill: #1a7f37 }
.line.c0, .line.c1, .line.c2 { fill: none }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .grid { stroke: #3d444d }
  .c0 { stroke: #58a6ff; fill: #58a6ff } .c1 { stroke: #f0883e; fill: #f0883e } .c2 { stroke: #3fb950; fill: #3fb950 }
}"""


def svg(title, across, up, lines):
    """`lines`: points by name. Both axes are logarithmic."""
    points = [point for line in lines.values() for point in line]
    x, y = Axis([point[0] for point in points]), Axis([point[1] for point in points])
    at_x = lambda value: LEFT + x.part(value) * (WIDTH - LEFT - RIGHT)
    at_y = lambda value: HEIGHT - BOTTOM - y.part(value) * (HEIGHT - TOP - BOTTOM)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{title}">',
        f"<style>{STYLE}</style>",
        f'<text x="{LEFT}" y="16" font-weight="bold">{title}</text>',
    ]
    for tick in x.ticks():
        parts.append(f'<line class="grid" x1="{at_x(tick):.1f}" y1="{TOP}" x2="{at_x(tick):.1f}" y2="{HEIGHT - BOTTOM}"/>')
        parts.append(f'<text x="{at_x(tick):.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{short(tick)}</text>')
    for tick in y.ticks():
        parts.append(f'<line class="grid" x1="{LEFT}" y1="{at_y(tick):.1f}" x2="{WIDTH - RIGHT}" y2="{at_y(tick):.1f}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{at_y(tick) + 4:.1f}" text-anchor="end">{short(tick)}</text>')
    for number, (name, line) in enumerate(lines.items()):
        path = " ".join(f"{at_x(a):.1f},{at_y(b):.1f}" for a, b in line)
        parts.append(f'<polyline class="line c{number}" points="{path}"/>')
        parts += [f'<circle class="c{number}" cx="{at_x(a):.1f}" cy="{at_y(b):.1f}" r="3"/>' for a, b in line]
        at = LEFT + LEGEND * number
        parts.append(f'<rect class="c{number}" x="{at}" y="26" width="10" height="10"/>')
        parts.append(f'<text x="{at + 16}" y="35">{name}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text x="{middle}" y="{HEIGHT - 8}" text-anchor="middle">{across}</text>')
    parts.append(f'<text x="{WIDTH - RIGHT}" y="16" text-anchor="end">{up}</text>')
    return "\n".join([*parts, "</svg>", ""])


class Axis:
    """A logarithmic axis that begins and ends at a power of ten, or at one and two or five of it."""

    STEPS = (1, 2, 5)

    def __init__(self, values):
        self.low, self.high = self.beyond(min(values), down=True), self.beyond(max(values), down=False)
        if self.low == self.high:
            self.high *= 10

    def beyond(self, value, down):
        """The nearest tick that is not above, or not below."""
        decade = 10 ** math.floor(math.log10(value))
        ticks = [step * decade for step in self.STEPS] + [10 * decade]
        return max(tick for tick in ticks if tick <= value * 1.0001) if down else \
            min(tick for tick in ticks if tick >= value * 0.9999)

    def part(self, value):
        return math.log(value / self.low) / math.log(self.high / self.low)

    def ticks(self):
        """All ticks; powers of ten only where that would be too many."""
        steps = self.STEPS if self.high / self.low <= 1000 else (1,)
        decade = 10 ** math.floor(math.log10(self.low))
        while decade <= self.high:
            for step in steps:
                if self.low * 0.999 <= step * decade <= self.high * 1.001:
                    yield step * decade
            decade *= 10


def short(value):
    if value >= 1_000_000:
        return f"{value / 1_000_000:g}M"
    return f"{value / 1000:g}k" if value >= 1000 else f"{value:g}"
