from dataclasses import dataclass

from registration.domain.events import ActivationCodeIssued, TakenAddressRegistered
from registration.ports import MailDelivery


@dataclass(frozen=True, slots=True)
class DeliverMail:
    """Send the mail at once; if this process dies first, another finds it in the outbox."""

    delivery: MailDelivery

    async def __call__(self, event: ActivationCodeIssued | TakenAddressRegistered) -> None:
        await self.delivery.deliver(event.mail_id)
