import asyncio
from dataclasses import dataclass

from structlog.testing import capture_logs

from registration.messaging.event_dispatcher import EventDispatcher


@dataclass
class Happened:
    what: str = "this"


@dataclass
class Followed:
    pass


class Remember:
    def __init__(self) -> None:
        self.events: list[object] = []

    async def __call__(self, event: object) -> None:
        self.events.append(event)


class Fail:
    async def __call__(self, event: object) -> None:
        raise RuntimeError(repr(event))


class Hang:
    def __init__(self) -> None:
        self.cleaned_up = False

    async def __call__(self, event: object) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            self.cleaned_up = True


async def test_every_subscriber_gets_the_event() -> None:
    dispatcher, one, two = EventDispatcher(), Remember(), Remember()
    dispatcher.subscribe(Happened, one)
    dispatcher.subscribe(Happened, two)
    dispatcher.publish(Happened("now"))
    await dispatcher.drain(1)
    assert one.events == two.events == [Happened("now")]


async def test_the_same_handler_may_subscribe_twice() -> None:
    dispatcher, handler = EventDispatcher(), Remember()
    dispatcher.subscribe(Happened, handler)
    dispatcher.subscribe(Followed, handler)
    dispatcher.publish(Happened())
    dispatcher.publish(Followed())
    await dispatcher.drain(1)
    assert len(handler.events) == 2


async def test_an_event_without_subscribers_is_no_fault() -> None:
    EventDispatcher().publish(Happened())


async def test_a_failing_subscriber_fails_neither_the_publisher_nor_its_sibling() -> None:
    dispatcher, sibling = EventDispatcher(), Remember()
    dispatcher.subscribe(Happened, Fail())
    dispatcher.subscribe(Happened, sibling)
    dispatcher.publish(Happened())
    await dispatcher.drain(1)
    assert sibling.events == [Happened()]


async def test_a_failure_is_logged_once_with_its_name_and_traceback() -> None:
    dispatcher = EventDispatcher()
    dispatcher.subscribe(Happened, Fail())
    with capture_logs() as lines:
        dispatcher.publish(Happened())
        await dispatcher.drain(1)
    [line] = lines
    assert line["event"] == "event_handler_failed"
    assert line["task"] == "Happened->Fail"
    assert line["exc_info"]


async def test_draining_waits_for_what_handlers_start_in_turn() -> None:
    dispatcher, last = EventDispatcher(), Remember()

    class Chain:
        async def __call__(self, event: Happened) -> None:
            await asyncio.sleep(0)
            dispatcher.publish(Followed())

    dispatcher.subscribe(Happened, Chain())
    dispatcher.subscribe(Followed, last)
    dispatcher.publish(Happened())
    await dispatcher.drain(1)
    assert last.events == [Followed()]


async def test_draining_cancels_what_takes_too_long_names_it_and_sees_it_clean_up() -> None:
    dispatcher, hanging = EventDispatcher(), Hang()
    dispatcher.subscribe(Happened, hanging)
    dispatcher.publish(Happened())
    await asyncio.sleep(0)
    with capture_logs() as lines:
        await dispatcher.drain(0)
    assert [line["task"] for line in lines] == ["Happened->Hang"]
    assert hanging.cleaned_up


async def test_a_handler_past_its_time_limit_is_ended_and_logged() -> None:
    dispatcher, hanging = EventDispatcher(time_limit_seconds=0), Hang()
    dispatcher.subscribe(Happened, hanging)
    with capture_logs() as lines:
        dispatcher.publish(Happened())
        await dispatcher.drain(1)
    assert hanging.cleaned_up
    assert [line["event"] for line in lines] == ["event_handler_failed"]


async def test_refuses_tasks_past_the_ceiling_and_says_so() -> None:
    dispatcher, handler = EventDispatcher(max_tasks=1), Remember()
    dispatcher.subscribe(Happened, handler)
    with capture_logs() as lines:
        dispatcher.publish(Happened("first"))
        dispatcher.publish(Happened("second"))
        await dispatcher.drain(1)
    assert handler.events == [Happened("first")]
    assert [line["event"] for line in lines] == ["event_not_handled"]


async def test_publishing_without_a_loop_is_logged_and_not_raised() -> None:
    dispatcher = EventDispatcher()
    dispatcher.subscribe(Happened, Remember())
    with capture_logs() as lines:
        await asyncio.to_thread(dispatcher.publish, Happened())
    assert [line["event"] for line in lines] == ["event_not_published"]
