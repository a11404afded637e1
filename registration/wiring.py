"""The two tables of the core: who carries out each command, and what happens after each event."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from registration.authentication import Authenticator
from registration.commands.activate_user import ActivateUser, ActivateUserHandler
from registration.commands.erase_address import EraseAddress, EraseAddressHandler
from registration.commands.erase_user import EraseUser, EraseUserHandler
from registration.commands.register_user import RegisterUser, RegisterUserHandler
from registration.commands.send_new_code import SendNewCode, SendNewCodeHandler
from registration.commands.unlock_address import UnlockAddress, UnlockAddressHandler
from registration.domain.events import (
    ActivationCodeIssued,
    OutdatedHashMatched,
    TakenAddressRegistered,
    UserActivated,
    UserErased,
    UserRegistered,
)
from registration.domain.policy import Policy
from registration.event_handlers.count_progress import CountProgress
from registration.event_handlers.deliver_mail import DeliverMail
from registration.event_handlers.renew_password_hash import RenewPasswordHash
from registration.messaging.command_bus import CommandBus, Decorator
from registration.messaging.event_dispatcher import EventDispatcher
from registration.ports import (
    AccountReader,
    CodeKeys,
    MailDelivery,
    NewId,
    PasswordHasher,
    Progress,
    PublishEvent,
    RateLimiter,
    UnitsOfWork,
)
from registration.queries.get_user import GetUser, GetUserHandler


@dataclass(frozen=True, slots=True)
class Ports:
    """What the handlers need of the world; real adapters in production, fakes in their tests."""

    units_of_work: UnitsOfWork
    read_account: AccountReader
    hasher: PasswordHasher
    limiter: RateLimiter
    code_keys: CodeKeys
    publish: PublishEvent
    new_id: NewId
    is_common_password: Callable[[str], bool]


def bind_messages(ports: Ports, policy: Policy, decorators: Iterable[Decorator] = ()) -> CommandBus:
    """Who carries out each command and answers each query."""
    authenticate = Authenticator(ports.read_account, ports.hasher, ports.limiter, ports.publish)
    return CommandBus(
        [
            RegisterUser.handled_by(
                RegisterUserHandler(
                    ports.units_of_work,
                    ports.read_account,
                    ports.hasher,
                    ports.limiter,
                    ports.code_keys,
                    ports.new_id,
                    ports.is_common_password,
                    policy,
                )
            ),
            ActivateUser.handled_by(
                ActivateUserHandler(
                    ports.units_of_work, authenticate, ports.limiter, ports.code_keys, ports.new_id, policy
                )
            ),
            SendNewCode.handled_by(
                SendNewCodeHandler(ports.units_of_work, authenticate, ports.code_keys, ports.new_id, policy)
            ),
            EraseUser.handled_by(EraseUserHandler(ports.units_of_work, authenticate)),
            EraseAddress.handled_by(EraseAddressHandler(ports.units_of_work)),
            UnlockAddress.handled_by(UnlockAddressHandler(ports.units_of_work)),
            GetUser.handled_by(GetUserHandler(authenticate, policy)),
        ],
        decorators,
    )


def subscribe_handlers(
    dispatcher: EventDispatcher, ports: Ports, delivery: MailDelivery, progress: Progress
) -> None:
    """What happens after each event."""
    dispatcher.subscribe(ActivationCodeIssued, DeliverMail(delivery))
    dispatcher.subscribe(TakenAddressRegistered, DeliverMail(delivery))
    dispatcher.subscribe(OutdatedHashMatched, RenewPasswordHash(ports.units_of_work, ports.hasher))
    count_progress = CountProgress(progress)
    dispatcher.subscribe(UserRegistered, count_progress)
    dispatcher.subscribe(ActivationCodeIssued, count_progress)
    dispatcher.subscribe(TakenAddressRegistered, count_progress)
    dispatcher.subscribe(UserActivated, count_progress)
    dispatcher.subscribe(UserErased, count_progress)
