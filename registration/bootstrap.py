"""The composition root: opens everything in order, and closes it in the opposite order."""

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from typing import Literal

from config.settings import ServiceSettings
from registration.adapters.common_passwords import is_common_password
from registration.adapters.mail.client import open_mail_api
from registration.adapters.mysql.backlog import BacklogReader
from registration.adapters.mysql.data_keys import load_keys
from registration.adapters.mysql.database import Database, open_database
from registration.adapters.mysql.fresh_mails import FreshMails
from registration.adapters.mysql.funnel import MySQLFunnel, settles_after
from registration.adapters.mysql.mails import MailStamp
from registration.adapters.mysql.outbox import MySQLOutbox
from registration.adapters.mysql.overdue import OverdueReader
from registration.adapters.mysql.overview import OverviewReader
from registration.adapters.mysql.purge import MySQLPurge
from registration.adapters.mysql.schema_version import read_schema_version
from registration.adapters.mysql.turns import MySQLTurns
from registration.adapters.mysql.unit_of_work import MySQLAccountReader, MySQLUnitsOfWork
from registration.adapters.rate_limiter import LimitsRateLimiter, open_storage
from registration.admin.app import create_admin
from registration.admin.operations import OperationsDocument
from registration.admin.server import serve
from registration.admin.status import StatusPage
from registration.api.services import Readiness, Services
from registration.bookkeeping import Bookkeeper
from registration.courier.courier import BACKLOG_CONCURRENCY, FRESH_CONCURRENCY, Courier
from registration.courier.rendering import TEMPLATE_VERSION, Renderer
from registration.courier.route import Route
from registration.domain.guess_chance import guess_chance
from registration.gauges import show_gauges
from registration.hashing.bcrypt_hasher import BcryptHasher
from registration.hashing.gate import HashingGate
from registration.housekeeping import PURGE_EVERY, Housekeeper
from registration.messaging.event_dispatcher import EventDispatcher
from registration.observability.command_log import log_messages
from registration.observability.message_metrics import measure_messages
from registration.observability.message_traces import trace_messages
from registration.observability.progress import PrometheusProgress
from registration.observability.request_id import current_request_id
from registration.observability.tracing import trace_parent, tracing
from registration.process_state import read_process_state
from registration.stopping import Stopping
from registration.wiring import Ports, bind_messages, subscribe_handlers

DRAIN_SECONDS = 4.5
"""With the server's own three seconds, within the ten that a container has to stop in."""


@contextlib.asynccontextmanager
async def open_services(
    settings: ServiceSettings, stopping: Stopping, hash_threads: int | None = None
) -> AsyncIterator[Services]:
    """Open the whole application. By default as many hashes are computed at once as there are processors.

    Raises Unavailable, UnsuitableSchemaError, WrongSecretKeyError or CannotListen.
    """
    policy = settings.policy
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(tracing())
        database = await stack.enter_async_context(open_database(settings.server))
        await database.read(read_schema_version)
        keys = await load_keys(database, settings.secret_keys)
        mail_apis = [
            await stack.enter_async_context(
                open_mail_api(provider, connections=FRESH_CONCURRENCY + BACKLOG_CONCURRENCY)
            )
            for provider in settings.providers
        ]
        gate = stack.enter_context(contextlib.closing(HashingGate(threads=hash_threads)))
        dispatcher = EventDispatcher()
        fresh = FreshMails()
        ports = Ports(
            units_of_work=MySQLUnitsOfWork(database, keys, dispatcher.publish, _stamp_mail, fresh),
            read_account=MySQLAccountReader(database, keys),
            hasher=BcryptHasher(settings.bcrypt_cost, gate),
            limiter=LimitsRateLimiter(
                await stack.enter_async_context(open_storage(settings.rate_limit_storage.get_secret_value())),
                keys,
                settings.client_limit_items,
                limits_clients=policy.limits_clients,
            ),
            code_keys=keys,
            publish=dispatcher.publish,
            new_id=uuid.uuid4,
            is_common_password=is_common_password,
        )
        routes = [Route(mail_api) for mail_api in mail_apis]
        renderer = Renderer(settings.sender.display_name, settings.mail_templates)
        courier = Courier(MySQLOutbox(database, fresh), routes, renderer, keys, policy, keys.log_digest)
        subscribe_handlers(dispatcher, ports, courier, PrometheusProgress())
        show_gauges(gate, database, routes)
        if settings.admin_port is not None:
            # Opened before the courier is started, so closed after it has drained, and before the database.
            read_backlog = BacklogReader(database)
            read_overdue = OverdueReader(database, settings.retention)
            operations = OperationsDocument()
            read_overview = OverviewReader(database, settles_after(policy), keys.log_digest)
            status = StatusPage(
                read_backlog,
                read_overdue,
                read_overview,
                lambda: read_process_state(gate, routes, stopping),
                guess_chance(policy),
                operations,
            )
            admin = create_admin(read_backlog, read_overdue, status, operations)
            await stack.enter_async_context(serve(admin, settings.admin_host, settings.admin_port))
        purge = MySQLPurge(database, settings.retention)
        housekeeper = Housekeeper(purge, MySQLTurns(database, "purge", PURGE_EVERY))
        bookkeeper = Bookkeeper(MySQLFunnel(database, settles_after(policy)))
        running = {
            asyncio.create_task(courier.run(), name="courier"),
            asyncio.create_task(housekeeper.run(), name="housekeeper"),
            asyncio.create_task(bookkeeper.run(), name="bookkeeper"),
        }
        stack.push_async_callback(_drain, courier, [housekeeper, bookkeeper], running, dispatcher)
        yield Services(
            bus=bind_messages(
                ports,
                policy,
                [trace_messages, log_messages(keys.log_digest, keys.client_log_digest), measure_messages],
            ),
            policy=policy,
            trusted_proxies=settings.trusted_networks,
            languages=renderer.languages,
            readiness=lambda: _readiness(database, courier, stopping),
        )


def _stamp_mail() -> MailStamp:
    return MailStamp(TEMPLATE_VERSION, current_request_id(), trace_parent())


async def _drain(
    courier: Courier,
    keepers: Sequence[Housekeeper | Bookkeeper],
    running: set[asyncio.Task[None]],
    dispatcher: EventDispatcher,
) -> None:
    """Let go of what is not on the wire, and give the rest its time."""
    deadline = time.monotonic() + DRAIN_SECONDS
    courier.stop()
    for keeper in keepers:
        keeper.stop()
    await asyncio.gather(asyncio.wait(running, timeout=DRAIN_SECONDS), dispatcher.drain(DRAIN_SECONDS))
    for task in running:
        task.cancel()
    await courier.finish(deadline - time.monotonic())


async def _readiness(database: Database, courier: Courier, stopping: Stopping) -> Readiness:
    """A provider that is down is no reason to send callers elsewhere: registrations are accepted all the same."""
    mail: Literal["ok", "down"] = "down" if courier.provider_is_down else "ok"
    if not await database.answers():
        return Readiness("unavailable", "down", mail)
    if stopping.has_begun:
        return Readiness("unavailable", "ok", mail)
    return Readiness("ok" if mail == "ok" else "degraded", "ok", mail)
