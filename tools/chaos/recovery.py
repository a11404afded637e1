"""How soon answers came again after something was broken, and after it was mended."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from tools.chaos.history import is_unknown
from tools.chaos.record import Call, HandedIn, Incident

AIM_SECONDS = 10.0

CLEAN_SECONDS = 1.0
"""Answers have come again once for so long everybody who asked was answered."""

SLOW_SECONDS = 1.0
"""Whoever waited for longer was not answered as usual."""

FEWEST = 3
STEP_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Recovery:
    """Seconds from the breaking and from the mending; None: they did not come again before the next was broken."""

    incident: Incident
    after_breaking: float | None
    after_mending: float | None
    failed: int
    """Requests without the service's answer, or with 503, sent while it was broken or answers had not come again."""

    @property
    def is_as_aimed(self) -> bool:
        times = (self.after_breaking, self.after_mending)
        return all(seconds is not None and seconds <= AIM_SECONDS for seconds in times)


def failed(call: Call) -> bool:
    """Whether the caller was not served, by no doing of their own."""
    return not call.hung_up and (is_unknown(call) or call.problem == "overloaded")


def recoveries(
    calls: Sequence[Call], handed_in: Sequence[HandedIn], incidents: Sequence[Incident]
) -> list[Recovery]:
    """For each incident how soon requests were answered again, or mails accepted where it was the provider's."""
    sent = sorted((call for call in calls if not call.hung_up), key=lambda call: call.sent_at)
    times = [call.sent_at for call in sent]
    following = [*(incident.began_at for incident in incidents[1:]), float("inf")]
    found = []
    for incident, limit in zip(incidents, following, strict=True):
        broken = _until_answered(sent, times, incident.began_at, incident.ended_at)
        if incident.kind.startswith("provider"):
            mended = _until_mailed(handed_in, incident.ended_at)
        else:
            mended = _until_answered(sent, times, incident.ended_at, limit)
        until = incident.ended_at + (mended or 0)
        during = sent[bisect_left(times, incident.began_at) : bisect_left(times, until)]
        found.append(Recovery(incident, broken, mended, sum(map(failed, during))))
    return found


def _until_answered(sent: Sequence[Call], times: Sequence[float], since: float, limit: float) -> float | None:
    """Seconds until from then on, for a while, everybody who asked was answered as usual."""
    at = since
    while at < min(limit, times[-1] if times else since):
        asked = sent[bisect_left(times, at) : bisect_left(times, at + CLEAN_SECONDS)]
        if len(asked) >= FEWEST and not any(map(_was_let_down, asked)):
            return at - since
        at += STEP_SECONDS
    return None


def _was_let_down(call: Call) -> bool:
    return failed(call) or call.answered_at - call.sent_at > SLOW_SECONDS


def _until_mailed(handed_in: Sequence[HandedIn], since: float) -> float | None:
    return min(
        (each.ended_at - since for each in handed_in if each.told and each.ended_at > since), default=None
    )
