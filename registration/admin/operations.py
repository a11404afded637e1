"""docs/operations.md where the status page can link into it, for who has no other copy at hand at night."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from registration.admin.pages import page

_HEADING = re.compile(r"(#{1,6}) +(.+)")

_FILE = Path(__file__).resolve().parents[2] / "docs" / "operations.md"


@dataclass(frozen=True, slots=True)
class Part:
    """A heading and what is under it, as it is written."""

    level: int
    title: str
    text: str

    @property
    def anchor(self) -> str:
        """As forges make it of a heading."""
        return re.sub(r"[^\w -]", "", self.title.lower()).replace(" ", "-")


class OperationsDocument:
    def __init__(self, file: Path = _FILE) -> None:
        """`is_here`: it came with the service; an image has no documents."""
        self.is_here = file.is_file()
        self._parts = parts(file.read_text("utf-8")) if self.is_here else []

    async def answer(self, _: Request) -> Response:
        if not self.is_here:
            return PlainTextResponse("Not Found", 404)
        return page("operations.html", parts=self._parts)


def parts(text: str) -> Sequence[Part]:
    """Split a Markdown text at its headings. What stands before the first one is left out."""
    found: list[tuple[re.Match[str], list[str]]] = []
    is_program = False
    for line in text.splitlines():
        is_program ^= line.startswith("```")
        if not is_program and (heading := _HEADING.fullmatch(line)):
            found.append((heading, []))
        elif found:
            found[-1][1].append(line)
    return [Part(len(heading[1]), heading[2], "\n".join(lines).strip("\n")) for heading, lines in found]
