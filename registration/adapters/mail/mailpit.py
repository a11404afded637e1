from dataclasses import dataclass, field

from registration.adapters.mail.outcomes import accepted, outcome_by_status, refused
from registration.adapters.mail.provider import (
    Inquiry,
    ProviderAnswer,
    ProviderRequest,
    basic_auth,
    mail_headers,
)
from registration.adapters.mail.provider_settings import ProviderSettings
from registration.adapters.mail.sender import Sender
from registration.ports import Message, Outcome, Verdict

BAD_REQUEST = 400


@dataclass(frozen=True, slots=True)
class Mailpit:
    """Mailpit's own HTTP API (read at v1.30.5), and the sandbox's."""

    sender: Sender
    url: str
    authorization: str | None = field(default=None, repr=False)
    name: str = field(default="mailpit", init=False)
    recognises_repetitions: bool = field(default=False, init=False)

    @classmethod
    def from_settings(cls, settings: ProviderSettings) -> "Mailpit":
        """The API key, where Mailpit was told to ask for one, is `user:password`."""
        with settings.reading() as read:
            url = read.url("http://127.0.0.1:8025")
            credentials = read.key_if_set()
            if credentials is not None and ":" not in credentials:
                read.refuse("api_key", "must be of the form `user:password`")
        return cls(settings.sender, f"{url}/api/v1/send", credentials and basic_auth(credentials))

    def inquiry(self) -> Inquiry:
        return Inquiry(f"{self.url.removesuffix('send')}messages?limit=1", self._authorized(), shows_key=True)

    def request(self, message: Message) -> ProviderRequest:
        # With a Message-ID of ours a double is one mail to mail clients, and to Mailpit's --ignore-duplicate-ids.
        domain = self.sender.address.text.rpartition("@")[2]
        document = {
            "From": {"Email": self.sender.address.text, "Name": self.sender.name},
            "To": [{"Email": message.to.text, "Name": ""}],
            "Subject": message.subject,
            "Text": message.text,
            "HTML": message.html,
            "Tags": [message.kind.value],
            "Headers": {**mail_headers(message), "Message-ID": f"<{message.id}@{domain}>"},
        }
        return ProviderRequest.with_json(self.url, self._authorized(), document)

    def outcome(self, answer: ProviderAnswer) -> Outcome:
        if answer.is_success:
            return accepted(answer.identifier("ID"))
        if answer.status == BAD_REQUEST and answer.text_member("Error").startswith("invalid To address"):
            return refused(Verdict.RECIPIENT_REJECTED, "recipient's address refused", answer)
        return outcome_by_status(answer)

    def _authorized(self) -> dict[str, str]:
        return {"Authorization": self.authorization} if self.authorization else {}
