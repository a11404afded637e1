"""Bars as SVG: rows of panels with the same names, readable in light and dark, by itself or in a page."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from bench.figures import Spread, short

WIDTH, EDGE = 960, 24
NAMES_WIDTH, PANEL_WIDTH, BAR_WIDTH = 180, 244, 150
"""A panel's longest bar leaves room for its figure."""

PITCH, THICKNESS = 26, 14
HEAD, ROW_HEAD, ROW_GAP, FOOT = 76, 62, 26, 34

STYLE = """
    .paper { fill: #ffffff; stroke: #d1d9e0 }
    .rule { stroke: #d1d9e0 }
    .ours { fill: #0969da }
    .other { fill: #aeb7c1 }
    .limit { fill: #ffffff; stroke: #818b98; stroke-dasharray: 3 2 }
    .range { stroke: #1f2328; stroke-width: 1.2; fill: none }
    text { fill: #1f2328; font: 13px system-ui, -apple-system, "Segoe UI", Roboto, Helvetica, Arial, sans-serif }
    .title { font-size: 17px; font-weight: 600 }
    .name { font-weight: 600 }
    .faint { fill: #59636e; font-size: 12px }
    @media (prefers-color-scheme: dark) {
      .paper { fill: #0d1117; stroke: #3d444d }
      .rule { stroke: #3d444d }
      .ours { fill: #4493f8 }
      .other { fill: #656c76 }
      .limit { fill: #0d1117; stroke: #9198a1 }
      .range { stroke: #f0f6fc }
      text { fill: #f0f6fc }
      .faint { fill: #9198a1 }
    }
"""


@dataclass(frozen=True, slots=True)
class Name:
    """Whose bars are in a line, and their class: `ours`, `other` or `limit`."""

    text: str
    kind: str


@dataclass(frozen=True, slots=True)
class Panel:
    title: str
    hint: str
    unit: str
    bars: Sequence[Spread | None]
    """One for each name of the row; None where there is nothing to show."""


@dataclass(frozen=True, slots=True)
class Row:
    title: str
    names: Sequence[Name]
    panels: Sequence[Panel]

    @property
    def height(self) -> int:
        return ROW_HEAD + PITCH * len(self.names)


def draw(title: str, subtitle: str, rows: Sequence[Row], foot: str) -> str:
    """The picture. Each panel has a scale of its own, which begins at nothing."""
    height = HEAD + sum(row.height + ROW_GAP for row in rows) + FOOT
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" {_size(WIDTH, height)}',
        'role="img" aria-labelledby="title desc">',
        f'<title id="title">{escape(title)}</title>',
        f'<desc id="desc">{escape(_told(rows))}</desc>',
        f"<style>{STYLE}</style>",
        f'<rect class="paper" x="0.5" y="0.5" {_size(WIDTH - 1, height - 1)} rx="10"/>',
        _text(EDGE, 36, title, "title"),
        _text(EDGE, 56, subtitle, "faint"),
    ]
    top = HEAD
    for row in rows:
        lines += _row(row, top)
        top += row.height + ROW_GAP
    return "\n".join([*lines, _text(EDGE, height - 18, foot, "faint"), "</svg>", ""])


def _row(row: Row, top: int) -> Iterator[str]:
    yield f'<line class="rule" x1="{EDGE}" y1="{top}" x2="{WIDTH - EDGE}" y2="{top}"/>'
    yield _text(EDGE, top + 26, row.title, "name")
    for number, name in enumerate(row.names):
        weight = "name" if name.kind == "ours" else "plain"
        yield _text(EDGE, _middle(top, number) + 4, name.text, weight)
    for number, panel in enumerate(row.panels):
        yield from _panel(panel, row.names, EDGE + NAMES_WIDTH + number * PANEL_WIDTH, top)


def _panel(panel: Panel, names: Sequence[Name], left: int, top: int) -> Iterator[str]:
    yield _text(left, top + 26, panel.title, "name")
    yield _text(left, top + 42, panel.hint, "faint")
    longest = max((bar.high for bar in panel.bars if bar), default=0) or 1
    for number, (name, bar) in enumerate(zip(names, panel.bars, strict=True)):
        if bar:
            yield from _bar(panel, bar, name.kind, left, _middle(top, number), BAR_WIDTH / longest)


def _bar(panel: Panel, bar: Spread, kind: str, left: int, middle: int, scale: float) -> Iterator[str]:
    """With a line from the least to the most, where they differ visibly."""
    width, low, high = (round(value * scale, 1) for value in (bar.median, bar.low, bar.high))
    size = _size(max(width, 1.5), THICKNESS)
    yield f'<rect class="{kind}" x="{left}" y="{middle - THICKNESS / 2:g}" {size} rx="2"/>'
    if high - low > 2:
        ends = "".join(f"M{left + end:.1f} {middle - 3}v6" for end in (low, high))
        yield f'<path class="range" d="M{left + low:.1f} {middle}H{left + high:.1f}{ends}"/>'
    figure = f"{short(bar.median)} {panel.unit}".rstrip()
    yield _text(left + max(width, high) + 7, middle + 4, figure, "name" if kind == "ours" else "plain")


def _size(width: float, height: float) -> str:
    return f'width="{width:g}" height="{height:g}"'


def _middle(top: int, number: int) -> int:
    return top + ROW_HEAD + number * PITCH + PITCH // 2 - 6


def _text(x: float, y: float, text: str, kind: str) -> str:
    return f'<text class="{kind}" x="{x:g}" y="{y:g}">{escape(text)}</text>'


def _told(rows: Sequence[Row]) -> str:
    """All that is to be seen, for who does not see it."""
    return " ".join(
        f"{row.title}, {panel.title}: "
        + ", ".join(
            f"{name.text} {short(bar.median)}" for name, bar in zip(row.names, panel.bars, strict=True) if bar
        )
        + "."
        for row in rows
        for panel in row.panels
    )
