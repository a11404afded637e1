"""What a run writes down, as JSON lines: who asked what and was answered what, mails, what was broken, final tables.

All times are seconds since 1970 on the harness's clock, which the database servers share.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar


class Operation(StrEnum):
    REGISTER = "register"
    ACTIVATE = "activate"
    NEW_CODE = "new-code"
    LOOK = "look"
    ERASE = "erase"


class AnsweredBy(StrEnum):
    SERVICE = "service"
    PROXY = "proxy"
    """The proxy had no answer of the service to pass on, and said so: what the service did is not known."""
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Call:
    """One request and its answer. `id` is its X-Request-ID; `document` those members of the answer that are judged."""

    id: str
    caller: str
    operation: Operation
    email: str
    password: str
    client: str
    sent_at: float
    answered_at: float
    """When the caller knew that there was no answer, where there was none."""
    by: AnsweredBy
    status: int | None = None
    problem: str | None = None
    """The last part of a problem's type; None for a success, and for whatever is no problem document."""
    code: str | None = None
    document: Mapping[str, Any] = field(default_factory=dict)
    hung_up: bool = False
    """Whether there was no answer because the caller did not wait for it."""


@dataclass(frozen=True, slots=True)
class HandedIn:
    """One attempt to give the provider a mail. `accepted`: it has it; `told`: it could say so to the service."""

    mail_id: str
    email: str
    code: str | None
    began_at: float
    ended_at: float
    accepted: bool
    told: bool


@dataclass(frozen=True, slots=True)
class Incident:
    """What was broken; `ended_at` is when it was mended, or when mending began to be the victim's own affair."""

    kind: str
    victim: str
    began_at: float
    ended_at: float


@dataclass(frozen=True, slots=True)
class AccountRow:
    email: str
    kind: str
    registered_at: float
    activated_at: float | None
    credential_id: str


@dataclass(frozen=True, slots=True)
class MailRow:
    """`email` and `request_id` are None once erased."""

    id: str
    email: str | None
    request_id: str | None
    kind: str
    state: str
    reason: str | None
    created_at: float
    accepted_at: float | None
    credential_id: str


@dataclass(frozen=True, slots=True)
class WrongCodeRow:
    """The keys are digests: they tell what is the same, not what it is."""

    address_key: str
    client_key: str
    newest_mail_id: str


@dataclass(frozen=True, slots=True)
class Record:
    calls: Sequence[Call]
    handed_in: Sequence[HandedIn]
    incidents: Sequence[Incident]
    accounts: Sequence[AccountRow]
    mails: Sequence[MailRow]
    wrong_codes: Sequence[WrongCodeRow]


T = TypeVar("T")
Line = Call | HandedIn | Incident | AccountRow | MailRow | WrongCodeRow

_FILES = {
    "calls": Call,
    "handed_in": HandedIn,
    "incidents": Incident,
    "accounts": AccountRow,
    "mails": MailRow,
    "wrong_codes": WrongCodeRow,
}


def write(folder: Path, record: Record) -> None:
    """Write a file for each part."""
    for name in _FILES:
        write_lines(folder / f"{name}.jsonl", getattr(record, name))


def write_lines(file: Path, lines: Iterable[Line]) -> None:
    with file.open("w") as out:
        for line in lines:
            out.write(json.dumps(asdict(line)) + "\n")


def read(folder: Path) -> Record:
    """Read what `write` wrote. Raises OSError, or ValueError or TypeError where it is something else."""
    return Record(
        calls=[
            Call(**{**line, "operation": Operation(line["operation"]), "by": AnsweredBy(line["by"])})
            for line in _lines(folder / "calls.jsonl")
        ],
        handed_in=_read(folder / "handed_in.jsonl", HandedIn),
        incidents=_read(folder / "incidents.jsonl", Incident),
        accounts=_read(folder / "accounts.jsonl", AccountRow),
        mails=_read(folder / "mails.jsonl", MailRow),
        wrong_codes=_read(folder / "wrong_codes.jsonl", WrongCodeRow),
    )


def _read(file: Path, kind: type[T]) -> list[T]:
    return [kind(**line) for line in _lines(file)]


def _lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]
