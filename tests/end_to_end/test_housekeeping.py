"""What the service does by itself while nobody asks for anything."""

from uuid import uuid4

import pymysql

from config.settings import parse_database_url
from tests.end_to_end.stage import Stage
from tests.end_to_end.tables import rows
from tests.end_to_end.waiting import until

STOP_SECONDS = 10


def put_old_mails(database_url: str, count: int) -> None:
    server = parse_database_url(database_url)
    connection = pymysql.connect(
        host=server.host,
        port=server.port,
        user=server.user,
        password=server.password,
        database=server.database,
        autocommit=True,
    )
    with connection, connection.cursor() as cursor:
        cursor.executemany(
            """
            INSERT INTO mails (id, mailbox_key, client_key, kind, credential_id, code_key, template_version, language,
                created_at, state)
            VALUES (UNHEX(%s), 'mailbox', 'client', 'activation-code', 'credential', 1, 1, 'en', '2020-01-01',
                'accepted')
            """,
            [(uuid4().hex,) for _ in range(count)],
        )


async def test_of_several_replicas_one_purges_and_says_what(own_stage: Stage) -> None:
    put_old_mails(own_stage.database_url, 5)
    services = [await own_stage.serve() for _ in range(2)]

    def purges() -> list[dict[str, object]]:
        return [line for service in services for line in service.log() if line["event"] == "purged"]

    async def somebody_has_purged() -> bool:
        return bool(purges())

    await until(somebody_has_purged, "a purge has ended")
    (line,) = purges()
    assert (line["mails"], line["registrations"], line["is_complete"]) == (5, 0, True)
    assert rows(own_stage.database_url, "SELECT id FROM mails") == []


async def test_a_purge_that_goes_on_does_not_keep_the_service_from_stopping(own_stage: Stage) -> None:
    put_old_mails(own_stage.database_url, 50_000)
    service = await own_stage.serve()

    async def it_is_at_it() -> bool:
        ((left,),) = rows(own_stage.database_url, "SELECT COUNT(*) FROM mails")
        return bool(left < 50_000)

    await until(it_is_at_it, "the purge has begun")
    service.ask_to_stop()

    assert await service.exit_status(STOP_SECONDS) == 0
    (line,) = (line for line in service.log() if line["event"] == "purged")
    assert line["is_complete"] is False
    assert rows(own_stage.database_url, "SELECT COUNT(*) FROM mails") == [(50_000 - int(line["mails"]),)]
