from dataclasses import dataclass

from registration.domain.events import (
    ActivationCodeIssued,
    TakenAddressRegistered,
    UserActivated,
    UserErased,
    UserRegistered,
)
from registration.ports import Progress


@dataclass(frozen=True, slots=True)
class CountProgress:
    """Keep count of how far people get."""

    progress: Progress

    async def __call__(
        self,
        event: UserRegistered | ActivationCodeIssued | TakenAddressRegistered | UserActivated | UserErased,
    ) -> None:
        match event:
            case UserRegistered():
                self.progress.count_registered()
            case ActivationCodeIssued():
                self.progress.count_code_issued()
            case TakenAddressRegistered():
                self.progress.count_taken_address()
            case UserActivated():
                self.progress.count_activated(event.since_acceptance)
            case UserErased():
                self.progress.count_erased()
