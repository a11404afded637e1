from tools.trials.report import Report
from tools.trials.stage import TrialStage


async def check_mails(stage: TrialStage, report: Report) -> None:
    """What holds for all mails, whatever was done to the services and the provider."""
    history = await stage.history()
    lost = history.lost(registered.person.email for registered in stage.registered)
    report.measured("registrations answered 202", len(stage.registered))
    if stage.refused:
        report.measured("other answers", dict(stage.refused))
    report.measured("attempts, doubles accepted", (len(stage.exchanges), history.doubles()))
    report.measured("attempts whose fate the service could not know", dict(history.explanations()))
    report.check("every 202 has its mail", kept=not lost, seen=_first(lost))
    report.check(
        "every double is explained by an answer that was lost",
        kept=not history.unexplained(),
        seen=_first(history.unexplained()),
    )
    report.check(
        "all attempts of a mail bear the same code",
        kept=not history.with_several_codes(),
        seen=_first(history.with_several_codes()),
    )
    report.check(
        "no mail was on the wire twice at once",
        kept=not history.together(),
        seen=_first(history.together()),
    )
    report.check("no service reports an error", kept=not stage.errors(), seen=dict(stage.errors()) or "")


def _first(found: list[str]) -> str:
    return f"{len(found)}, such as {found[0]}" if found else ""
