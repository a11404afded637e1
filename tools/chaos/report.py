"""What a run has shown, in Markdown."""

from collections import Counter
from collections.abc import Iterator, Sequence

from tools.chaos.figures import answer
from tools.chaos.history import is_success
from tools.chaos.record import Record
from tools.chaos.recovery import AIM_SECONDS, Recovery, failed
from tools.chaos.verdict import Verdict

SHOWN = 5
"""So many cases of a broken rule are told; the rest is in the record."""


def report(
    title: str,
    record: Record,
    recoveries: Sequence[Recovery],
    verdicts: Sequence[Verdict],
    asides: Sequence[str],
) -> str:
    """Return the report; `asides`: sentences about what is in no table."""
    lines = [
        f"**{title}**",
        "",
        _sums(record),
        *asides,
        "",
        *_table(
            ["rule", "looked at", "verdict", "how"],
            [
                [
                    each.rule,
                    str(each.checked),
                    f"**{len(each.broken)} broken**" if each.broken else "kept",
                    _how(each),
                ]
                for each in verdicts
            ],
        ),
        "",
        *_table(
            ["what was broken", "victim", "for", "answers came again after", "after mending", "not served"],
            [_row(each) for each in recoveries],
        ),
        "",
        "Mending a provider is over when it has been given a mail; all else, when for a second everybody was answered.",
        f"The aim is {AIM_SECONDS:.0f} s.",
        "",
        *_table(
            ["answer", "undisturbed", "while something was broken, or coming back"],
            list(_answers(record, recoveries)),
        ),
        *_broken(verdicts),
    ]
    return "\n".join(lines) + "\n"


def _sums(record: Record) -> str:
    calls = record.calls
    duration = max(call.answered_at for call in calls) - min(call.sent_at for call in calls) if calls else 0
    served = sum(map(is_success, calls))
    took = sorted(call.answered_at - call.sent_at for call in calls if not call.hung_up)
    middle, longest = (took[len(took) // 2], took[-1]) if took else (0.0, 0.0)
    return (
        f"{len(calls)} requests in {duration:.0f} s, {served} done as asked, {sum(map(failed, calls))} not served "
        f"(503, or no answer); an answer took {middle * 1000:.0f} ms at the median and {longest:.1f} s at most. "
        f"{sum(each.accepted for each in record.handed_in)} mails were accepted in {len(record.handed_in)} attempts; "
        f"{len(record.accounts)} accounts were left."
    )


def _row(recovery: Recovery) -> list[str]:
    incident = recovery.incident
    lasted = f"{incident.ended_at - incident.began_at:.0f} s"
    return [
        incident.kind,
        incident.victim,
        lasted,
        _seconds(recovery.after_breaking),
        _seconds(recovery.after_mending),
        str(recovery.failed),
    ]


def _seconds(seconds: float | None) -> str:
    if seconds is None:
        return "**not in time**"
    return f"{seconds:.1f} s" if seconds <= AIM_SECONDS else f"**{seconds:.1f} s**"


def _answers(record: Record, recoveries: Sequence[Recovery]) -> Iterator[list[str]]:
    spans = [
        (each.incident.began_at, each.incident.ended_at + (each.after_mending or 0)) for each in recoveries
    ]
    disturbed, undisturbed = Counter[str](), Counter[str]()
    for call in record.calls:
        is_disturbed = any(call.sent_at < until and call.answered_at > since for since, until in spans)
        (disturbed if is_disturbed else undisturbed)[answer(call)] += 1
    for kind in sorted({*disturbed, *undisturbed}):
        yield [kind, str(undisturbed[kind]), str(disturbed[kind])]


def _how(verdict: Verdict) -> str:
    return ", ".join(f"{count} {what}" for what, count in verdict.explained.most_common())


def _broken(verdicts: Sequence[Verdict]) -> Iterator[str]:
    for verdict in verdicts:
        if verdict.broken:
            yield from ("", f"Broken: {verdict.rule}", "")
            yield from (f"- {case}" for case in verdict.broken[:SHOWN])


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(headings)} |"
    yield "|" + "---|" * len(headings)
    for row in rows:
        yield f"| {' | '.join(row)} |"
