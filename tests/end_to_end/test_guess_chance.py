from tests.end_to_end.service import Service


async def test_serve_says_at_its_start_how_likely_a_guess_is(service: Service) -> None:
    events = [line["event"] for line in service.log()]
    line = service.log()[events.index("guess_chance")]
    said = {name: line[name] for name in ("digits", "per_day", "per_year", "mailbox_per_day")}
    assert said == {"digits": 4, "per_day": 0.002, "per_year": 0.02, "mailbox_per_day": 0.006}
    assert "request" not in events[: events.index("guess_chance")]
