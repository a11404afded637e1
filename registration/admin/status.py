import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from starlette.requests import Request
from starlette.responses import Response

from registration.admin.alerts import alerts
from registration.admin.cards import cards
from registration.admin.figures import Figures, ReadProcessState
from registration.admin.funnel import spans
from registration.admin.operations import OperationsDocument
from registration.admin.pace import PaceMeter
from registration.admin.pages import page
from registration.domain.guess_chance import GuessChance
from registration.observability.snapshot import Snapshot
from registration.overview import ReadOverview
from registration.ports import ReadBacklog, ReadOverdue

REFRESH_SECONDS = 10


class StatusPage:
    """How the service is, at a glance: what is wrong first, then how far people get, then all else."""

    def __init__(
        self,
        read_backlog: ReadBacklog,
        read_overdue: ReadOverdue,
        read_overview: ReadOverview,
        read_process_state: ReadProcessState,
        guess_chance: GuessChance,
        operations: OperationsDocument,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read_backlog = read_backlog
        self._read_overdue = read_overdue
        self._read_overview = read_overview
        self._read_process_state = read_process_state
        self._guess_chance = guess_chance
        self._operations = operations
        self._monotonic = monotonic
        self._began_at = monotonic()
        self._measure_pace = PaceMeter(monotonic)

    async def answer(self, request: Request) -> Response:
        """Answer within two seconds, whatever the database does. With `?still` the page does not renew itself."""
        backlog, overdue, overview = await asyncio.gather(
            self._read_backlog(), self._read_overdue(), self._read_overview()
        )
        metrics = Snapshot()
        figures = Figures(
            backlog,
            overdue,
            overview,
            self._read_process_state(),
            metrics,
            self._measure_pace(metrics),
            uptime=timedelta(seconds=self._monotonic() - self._began_at),
        )
        return page(
            "status.html",
            alerts=alerts(figures),
            cards=cards(figures, self._guess_chance),
            spans=None if overview is None else spans(overview),
            failed=() if overview is None else overview.failed,
            now=datetime.now(UTC),
            refresh=None if "still" in request.query_params else REFRESH_SECONDS,
            operations_are_here=self._operations.is_here,
        )
