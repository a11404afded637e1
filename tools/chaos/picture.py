"""A run as a picture: answers a second, those who were not served, and what was broken when. Light and dark."""

import math
from collections.abc import Iterator, Sequence
from html import escape

from tools.chaos.figures import Second, seconds
from tools.chaos.record import Call, Incident

WIDTH = 960
LEFT, RIGHT = 56, 20
TOP, PLOT = 64, 220
"""Where the plot begins, and how high it is."""

LANE = 22
"""Height of the line that names one fault, below the plot."""

GRID_LINES = 4
NICE = (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)
TICKS = (10, 20, 30, 60, 120, 300, 600)
MOST_TICKS = 12

AFTERWARDS_SECONDS = 15.0
"""So long after the last fault the picture goes on."""

STYLE = """
    .paper { fill: #ffffff; stroke: #d1d9e0 }
    .grid { stroke: #e6eaef }
    .axis { stroke: #818b98 }
    .band { fill: #818b98; fill-opacity: .13 }
    .lane { fill: #818b98; fill-opacity: .55 }
    .done { fill: #2da44e }
    .refused { fill: #54aeff }
    .failed { fill: #cf222e }
    text { fill: #1f2328; font: 13px system-ui, -apple-system, "Segoe UI", Roboto, Helvetica, Arial, sans-serif }
    .title { font-weight: 600; font-size: 15px }
    .faint { fill: #59636e; font-size: 12px }
    @media (prefers-color-scheme: dark) {
      .paper { fill: #0d1117; stroke: #3d444d }
      .grid { stroke: #212830 }
      .axis { stroke: #656c76 }
      .band { fill: #9198a1; fill-opacity: .14 }
      .lane { fill: #9198a1; fill-opacity: .6 }
      .done { fill: #3fb950 }
      .refused { fill: #388bfd }
      .failed { fill: #f85149 }
      text { fill: #f0f6fc }
      .faint { fill: #9198a1 }
    }"""


def draw(calls: Sequence[Call], incidents: Sequence[Incident], began_at: float, title: str) -> str:
    """Return the picture as SVG."""
    ended_at = _end(calls, incidents, began_at)
    by_second = seconds(calls, began_at, ended_at)
    height = TOP + PLOT + 44 + LANE * len(incidents) + 16
    scale = _Scale(by_second)
    told = f"{len(incidents)} faults in {len(by_second)} seconds"
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
            f'height="{height}" role="img" aria-labelledby="title desc">'
        ),
        f'  <title id="title">{escape(title)}</title>',
        f'  <desc id="desc">{told}: answers a second, with the requests that were not served.</desc>',
        f"  <style>{STYLE}\n  </style>",
        f'  <rect class="paper" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="10"/>',
        f'  <text class="title" x="{LEFT}" y="28">{escape(title)}</text>',
        *_legend(),
        *_bands(scale, incidents, began_at, height),
        *_grid(scale),
        *_areas(scale, by_second),
        *_lanes(scale, incidents, began_at),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _end(calls: Sequence[Call], incidents: Sequence[Incident], began_at: float) -> float:
    """Where the picture ends: the last journeys take a minute, and nothing is broken then."""
    answered_at = max((call.answered_at for call in calls), default=began_at)
    mended_at = max((incident.ended_at for incident in incidents), default=answered_at)
    return min(answered_at, mended_at + AFTERWARDS_SECONDS)


class _Scale:
    """From seconds and requests to places."""

    def __init__(self, by_second: Sequence[Second]) -> None:
        self.seconds = max(len(by_second), 1)
        most = max((each.done + each.refused + each.failed for each in by_second), default=1)
        self.step = _round_up(most / GRID_LINES)
        self.most = self.step * GRID_LINES

    def x(self, second: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * min(max(second / self.seconds, 0), 1)

    def y(self, requests: float) -> float:
        return TOP + PLOT * (1 - requests / self.most)


def _round_up(figure: float) -> int:
    """To a number that is pleasant on an axis."""
    power = math.pow(10, math.floor(math.log10(max(figure, 1))))
    return next(math.ceil(nice * power) for nice in NICE if nice * power >= figure)


def _legend() -> Iterator[str]:
    x = LEFT
    entries = (
        ("done", "as asked"),
        ("refused", "refused by a rule"),
        ("failed", "not served: 503, or no answer"),
    )
    for kind, words in entries:
        yield f'  <rect class="{kind}" x="{x}" y="41" width="10" height="10" rx="2"/>'
        yield f'  <text class="faint" x="{x + 15}" y="50">{words}</text>'
        x += 40 + 6 * len(words)
    yield f'  <text class="faint" x="{WIDTH - RIGHT}" y="50" text-anchor="end">answers a second</text>'


def _bands(scale: _Scale, incidents: Sequence[Incident], began_at: float, height: int) -> Iterator[str]:
    for incident in incidents:
        x, wide = _span(scale, incident, began_at)
        yield (
            f'  <rect class="band" x="{x:.1f}" y="{TOP}" width="{wide:.1f}" height="{height - TOP - 16}"/>'
        )


def _grid(scale: _Scale) -> Iterator[str]:
    for line in range(GRID_LINES + 1):
        y = scale.y(line * scale.step)
        kind = "grid" if line else "axis"
        yield f'  <line class="{kind}" x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}"/>'
        yield (
            f'  <text class="faint" x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{line * scale.step}</text>'
        )
    tick = next((tick for tick in TICKS if scale.seconds / tick <= MOST_TICKS), TICKS[-1])
    for second in range(0, scale.seconds + 1, tick):
        yield (
            f'  <text class="faint" x="{scale.x(second):.1f}" y="{TOP + PLOT + 18}" text-anchor="middle">'
            f"{second} s</text>"
        )


def _areas(scale: _Scale, by_second: Sequence[Second]) -> Iterator[str]:
    """One on the other; who was not served on top, to be seen."""
    below = [0.0] * len(by_second)
    for kind in ("done", "refused", "failed"):
        above = [low + getattr(each, kind) for low, each in zip(below, by_second, strict=True)]
        yield f'  <path class="{kind}" d="{_steps(scale, below, above)}"/>'
        below = above


def _steps(scale: _Scale, below: Sequence[float], above: Sequence[float]) -> str:
    there = [f"H{scale.x(at + 1):.1f}V{scale.y(high):.1f}" for at, high in enumerate(above[1:])]
    back = [f"H{scale.x(at + 1):.1f}V{scale.y(low):.1f}" for at, low in reversed(list(enumerate(below[:-1])))]
    right = scale.x(len(above))
    return (
        f"M{scale.x(0):.1f} {scale.y(above[0]):.1f}{''.join(there)}"
        f"H{right:.1f}V{scale.y(below[-1]):.1f}{''.join(back)}H{scale.x(0):.1f}Z"
    )


def _lanes(scale: _Scale, incidents: Sequence[Incident], began_at: float) -> Iterator[str]:
    """What was broken, each on a line of its own; the words go where there is room."""
    for number, incident in enumerate(incidents):
        x, wide = _span(scale, incident, began_at)
        y = TOP + PLOT + 34 + LANE * number
        yield f'  <rect class="lane" x="{x:.1f}" y="{y}" width="{wide:.1f}" height="12" rx="3"/>'
        has_room = x + wide < WIDTH * 0.7
        at, anchor = (x + wide + 7, "start") if has_room else (x - 7, "end")
        words = incident.kind if incident.victim == "provider" else f"{incident.kind}: {incident.victim}"
        yield f'  <text class="faint" x="{at:.1f}" y="{y + 10}" text-anchor="{anchor}">{escape(words)}</text>'


def _span(scale: _Scale, incident: Incident, began_at: float) -> tuple[float, float]:
    x = scale.x(incident.began_at - began_at)
    return x, max(scale.x(incident.ended_at - began_at) - x, 2)
