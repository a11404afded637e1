from tools.chaos.history import History
from tools.chaos.verdict import Verdict


def check_whole(history: History) -> Verdict:
    """A registration and its mail are there together: no mail is newer than its address's registrations and of none.

    Those of a registration that was replaced are older than the one that replaced it; those of one that was erased
    name no address any more.
    """
    verdict = Verdict("nothing is half done: each mail belongs to a registration")
    for email, mails in history.mails_of.items():
        accounts = history.accounts_of.get(email, ())
        owners = {row.credential_id for row in accounts}
        newest = max((row.registered_at for row in accounts), default=0.0)
        for mail in mails:
            verdict.judge(
                kept=mail.credential_id in owners or mail.created_at < newest,
                broken=f"the mail {mail.id} for {email} ({mail.request_id}) is of no registration",
                explained="its registration is there" if mail.credential_id in owners else "replaced since",
            )
    return verdict
