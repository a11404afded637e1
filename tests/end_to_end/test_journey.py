import unicodedata

import pytest

from tests.end_to_end.client import OTHER_PASSWORD, Person, problem, somebody
from tests.end_to_end.sandbox import Sandbox
from tests.end_to_end.service import Service
from tests.end_to_end.stage import activated, past_the_join_window, registered, somebody_active
from tests.end_to_end.waiting import until

LONG = "".join(chr(ord("a") + number % 26) for number in range(200))
PASSWORDS = {
    "of 200 characters": LONG,
    "of 256 characters of four bytes": "🔑" * 256,
    "with accents": "pâsswörd ñandú ÀÉ",
    "with colons": ":one:two::three:",
    "with emoji": "🐎🔋📎 correct 👩‍🚀",
    "with quotes and backslashes": "\"quoted\" \\ 'back' %20 &amp;",
    "with spaces around it": "  nothing is trimmed  ",
}


async def test_from_a_registration_in_capitals_to_an_active_user(service: Service, sandbox: Sandbox) -> None:
    client, ann = service.client, somebody()
    shouting = Person(ann.email.upper(), ann.password)

    response = await client.register(shouting)
    assert response.status_code == 202
    assert response.json() == {"email": ann.email, "code_ttl_seconds": 60}

    mail = await sandbox.newest(ann.email)
    assert mail.codes == [mail.code]
    assert mail.code not in mail.subject
    assert mail.code in mail.html

    pending = await client.accepted(ann)
    assert (pending["status"], pending["activated_at"]) == ("pending", None)

    response = await client.activate(shouting, mail.code)
    assert (response.status_code, response.json()["status"]) == (200, "active")

    assert (await client.look(ann)).json() == response.json()
    assert (await client.look(shouting)).json() == response.json()
    assert await sandbox.mails(ann.email) == [mail]


@pytest.mark.parametrize("password", PASSWORDS.values(), ids=PASSWORDS)
async def test_any_password_goes_the_whole_way(service: Service, sandbox: Sandbox, password: str) -> None:
    ann = somebody(password)

    user = await activated(service, sandbox, ann)

    assert (await service.client.look(ann)).json() == user
    assert (await service.client.look(ann.with_password(password[:-1]))).status_code == 401


async def test_every_character_of_a_long_password_counts(service: Service, sandbox: Sandbox) -> None:
    ann = somebody(LONG)
    await registered(service, sandbox, ann)

    for almost in (LONG[:72], LONG[:-1] + "!", LONG[:72] + "!" + LONG[73:]):
        problem(await service.client.look(ann.with_password(almost)), 401, "invalid-credentials")


async def test_a_password_is_the_same_however_a_keyboard_composes_its_accents(
    service: Service, sandbox: Sandbox
) -> None:
    composed = somebody(unicodedata.normalize("NFC", "pâsswörd ñandú"))
    decomposed = composed.with_password(unicodedata.normalize("NFD", composed.password))
    assert composed != decomposed

    mail = await registered(service, sandbox, composed)

    assert (await service.client.activate(decomposed, mail.code)).status_code == 200


async def test_a_code_that_begins_with_zero_is_mailed_and_taken_as_text(
    service: Service, sandbox: Sandbox
) -> None:
    client = service.client

    async def register_until_a_code_begins_with_zero() -> tuple[Person, str] | None:
        ann = somebody()
        mail = await registered(service, sandbox, ann)
        return (ann, mail.code) if mail.code.startswith("0") else None

    ann, code = await until(register_until_a_code_begins_with_zero, "a code begins with zero", seconds=60)

    number = await client.request("POST", "/v1/users/activation", ann, json={"code": int(code)})
    problem(number, 422, "invalid-request", {"errors"})
    problem(await client.activate(ann, code.lstrip("0")), 422, "invalid-request", {"errors"})
    assert (await client.activate(ann, code)).status_code == 200


async def test_the_credentials_are_each_users_own(service: Service, sandbox: Sandbox) -> None:
    ann, bob = somebody(), somebody(OTHER_PASSWORD)
    mail = await registered(service, sandbox, ann)
    await activated(service, sandbox, bob)

    for stranger in (bob.with_password(ann.password), ann.with_password(bob.password)):
        problem(await service.client.look(stranger), 401, "invalid-credentials")
        problem(await service.client.activate(stranger, mail.code), 401, "invalid-credentials")


async def test_a_code_activates_nobody_else(service: Service, sandbox: Sandbox) -> None:
    ann, bob = somebody(), somebody()
    anns_code = (await registered(service, sandbox, ann)).code
    bobs_code = (await registered(service, sandbox, bob)).code
    while bobs_code == anns_code:
        bob = somebody()
        bobs_code = (await registered(service, sandbox, bob)).code

    problem(await service.client.activate(bob, anns_code), 422, "incorrect-code", {"attempts_left"})
    assert (await service.client.activate(bob, bobs_code)).status_code == 200


async def test_a_code_is_used_up_but_its_user_may_show_any(service: Service, sandbox: Sandbox) -> None:
    ann = somebody()
    code = (await registered(service, sandbox, ann)).code
    user = (await service.client.activate(ann, code)).json()

    for shown in (code, await sandbox.wrong_code(ann.email)):
        response = await service.client.activate(ann, shown)
        assert (response.status_code, response.json()) == (200, user)


async def test_a_pending_registration_can_be_registered_again_with_another_password(
    lenient: Service, sandbox: Sandbox
) -> None:
    client, ann = lenient.client, somebody()
    first = await registered(lenient, sandbox, ann)
    await past_the_join_window(lenient, ann)
    again = ann.with_password(OTHER_PASSWORD)

    assert (await client.register(again)).status_code == 202

    second = await sandbox.newest(ann.email, count=2)
    problem(await client.activate(ann, first.code), 401, "invalid-credentials")
    if first.code != second.code:
        problem(await client.activate(again, first.code), 422, "incorrect-code", {"attempts_left"})
    assert (await client.activate(again, second.code)).status_code == 200


async def test_an_erased_user_is_gone_and_may_register_anew(lenient: Service, sandbox: Sandbox) -> None:
    client, ann = lenient.client, await somebody_active(lenient, sandbox)

    response = await client.erase(ann)
    assert (response.status_code, response.content) == (204, b"")
    problem(await client.look(ann), 401, "invalid-credentials")
    problem(await client.erase(ann), 401, "invalid-credentials")

    assert (await client.register(ann)).status_code == 202
    mail = await sandbox.newest(ann.email, count=2)
    assert (await client.activate(ann, mail.code)).status_code == 200
