"""What dies, and what must come of it all the same. Each waits for up to half a minute, so they run side by side."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from tests.end_to_end.client import somebody
from tests.end_to_end.sandbox import Sandbox
from tests.end_to_end.stage import Stage, activated, somebody_active
from tests.end_to_end.tables import accounts_of, mails_of
from tests.end_to_end.traffic import Traffic, says_that_the_database_is_down
from tests.end_to_end.waiting import until
from tools.private_mariadb import PrivateServer

MAIL_SECONDS = 30
"""Within which a mail leaves after its process has died, once there is a process again."""

STOP_SECONDS = 10
SLOW_SECONDS = 3

Crash = Callable[[Stage], Awaitable[None]]


async def killed_right_after_a_202(stage: Stage) -> None:
    service, sandbox, ann = await stage.serve(), stage.sandbox, somebody()
    await sandbox.misbehave(hang=1)

    assert (await service.client.register(ann)).status_code == 202
    service.kill()

    await sandbox.misbehave()
    await service.start()
    code = (await sandbox.newest(ann.email, seconds=MAIL_SECONDS)).code
    assert (await service.client.activate(ann, code)).status_code == 200
    assert accounts_of(stage.database_url, ann.email) == ["user"]


async def killed_between_send_and_record(stage: Stage) -> None:
    """The provider accepts the mail, and nobody is there to hear it."""
    service, sandbox, ann = await stage.serve(), stage.sandbox, somebody()
    await sandbox.misbehave(slow=1, slow_seconds=SLOW_SECONDS)
    assert (await service.client.register(ann)).status_code == 202
    await handed_in(sandbox)
    service.kill()
    assert mails_of(stage.database_url, ann.email) == ["queued"]

    await sandbox.misbehave()
    await service.start()
    await sandbox.newest(ann.email, count=2, seconds=MAIL_SECONDS)

    first, second = await sandbox.mails(ann.email)
    assert first == second
    assert len({attempt.mail_id for attempt in await sandbox.attempts(ann.email)}) == 1
    assert (await service.client.activate(ann, first.code)).status_code == 200
    assert mails_of(stage.database_url, ann.email) == ["accepted"]


async def told_to_stop_while_the_provider_hangs(stage: Stage) -> None:
    service, sandbox, ann = await stage.serve(), stage.sandbox, somebody()
    await sandbox.misbehave(hang=1)
    assert (await service.client.register(ann)).status_code == 202
    await handed_in(sandbox)

    service.ask_to_stop()
    assert await service.exit_status(STOP_SECONDS) == 0

    await sandbox.misbehave()
    await service.start()
    code = (await sandbox.newest(ann.email, seconds=MAIL_SECONDS)).code
    assert (await service.client.activate(ann, code)).status_code == 200


async def handed_in(sandbox: Sandbox) -> None:
    await until(sandbox.all_attempts, "the mail is handed in")


@dataclass(frozen=True, slots=True)
class DatabaseCrashes:
    """One after the other, because they break the same server."""

    server: PrivateServer

    async def killed_and_then_hanging(self, stage: Stage) -> None:
        await self._survived(stage, self.server.kill, self.server.start)
        await self._survived(stage, self.server.pause, self.server.resume)

    async def _survived(self, stage: Stage, stop: Callable[[], None], go_on: Callable[[], None]) -> None:
        service, sandbox = await stage.serve(), stage.sandbox
        client, ann = service.client, await somebody_active(service, sandbox)
        async with Traffic(client, ann).running() as traffic:
            await traffic.has_run(answers=100)
            stop()
            try:
                await traffic.has_been_refused(answers=16)
                await says_that_the_database_is_down(client)
            finally:
                go_on()
            await traffic.has_run(answers=30)

        assert await client.is_ready()
        assert (await client.look(ann)).json()["status"] == "active"
        await activated(service, sandbox, somebody())
        traffic.was_answered_truly(stage.database_url)
        service.answered_in_time()
        await sandbox.has_reached(traffic.accepted, MAIL_SECONDS)
        service.ask_to_stop()
        assert await service.exit_status(STOP_SECONDS) == 0


CRASHES: Mapping[str, Crash] = {
    crash.__name__: crash
    for crash in (
        killed_right_after_a_202,
        killed_between_send_and_record,
        told_to_stop_while_the_provider_hangs,
    )
}
