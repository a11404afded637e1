from xml.etree import ElementTree as ET

import pytest

from bench.bars import BAR_WIDTH, Name, Panel, Row, draw
from bench.figures import Spread

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def picture() -> ET.Element:
    names = [Name("ours & only", "ours"), Name("theirs", "other"), Name("the limit", "limit")]
    bars = [Spread(50, 40, 100), Spread(25, 25, 25), None]
    return ET.fromstring(  # noqa: S314 - we have just drawn it
        draw(
            "Title", "subtitle", [Row("a row", names, [Panel("speed", "more is better", "ms", bars)])], "foot"
        )
    )


def widths(picture: ET.Element, kind: str) -> list[float]:
    return [float(bar.attrib["width"]) for bar in picture.iter(f"{SVG}rect") if bar.get("class") == kind]


def test_bars_are_as_long_as_their_medians_beside_the_longest_range(picture: ET.Element) -> None:
    assert widths(picture, "ours") == [BAR_WIDTH / 2]
    assert widths(picture, "other") == [BAR_WIDTH / 4]


def test_what_was_not_measured_has_no_bar(picture: ET.Element) -> None:
    assert widths(picture, "limit") == []


def test_a_range_is_drawn_where_there_is_one(picture: ET.Element) -> None:
    assert len([path for path in picture.iter(f"{SVG}path") if path.get("class") == "range"]) == 1


def test_all_is_inside(picture: ET.Element) -> None:
    width, height = (float(picture.attrib[side]) for side in ("width", "height"))

    for text in picture.iter(f"{SVG}text"):
        assert 0 < float(text.attrib["x"]) < width
        assert 0 < float(text.attrib["y"]) < height


def test_figures_are_told_to_who_does_not_see_them(picture: ET.Element) -> None:
    assert picture.findtext(f"{SVG}desc") == "a row, speed: ours & only 50, theirs 25."
