from tests.end_to_end.client import OTHER_PASSWORD, problem, somebody
from tests.end_to_end.service import LENIENT, SECRET_KEY, Service, run
from tests.end_to_end.stage import Stage, activated, registered
from tests.end_to_end.tables import rows

NEW_KEY = "a new secret key of the end-to-end tests"
BOTH_KEYS = f"{NEW_KEY},{SECRET_KEY}"
STOP_SECONDS = 10


async def restart(service: Service, secret_key: str) -> None:
    service.ask_to_stop()
    await service.exit_status(STOP_SECONDS)
    await service.start(secret_key=secret_key)


async def test_after_a_rekey_the_old_secret_can_go_and_everything_goes_on(own_stage: Stage) -> None:
    sandbox = own_stage.sandbox
    service = await own_stage.serve(**LENIENT, code_ttl_seconds=120)
    client, ann, bob, cid = service.client, somebody(), somebody(OTHER_PASSWORD), somebody()
    anns_code = (await registered(service, sandbox, ann)).code
    wrong = await sandbox.wrong_code(ann.email)
    problem(await client.activate(ann, wrong), 422, "incorrect-code", {"attempts_left"})
    bobs_user = await activated(service, sandbox, bob)

    await restart(service, BOTH_KEYS)
    cids_code = (await registered(service, sandbox, cid)).code
    assert (await client.look(bob)).json() == bobs_user
    too_early = await run("serve", {**service.settings, "secret_key": NEW_KEY})
    assert too_early.returncode == 1
    rekeyed = await run("rekey", service.settings)
    assert (rekeyed.returncode, rekeyed.stderr) == (0, "")
    await restart(service, NEW_KEY)

    assert (await client.look(bob)).json() == bobs_user
    document = problem(await client.activate(ann, wrong), 422, "incorrect-code", {"attempts_left"})
    assert document["attempts_left"] == 1
    assert (await client.activate(ann, anns_code)).status_code == 200
    assert (await client.activate(cid, cids_code)).status_code == 200
    await activated(service, sandbox, somebody())

    too_late = await run("serve", {**service.settings, "secret_key": SECRET_KEY})
    assert too_late.returncode == 1


async def test_the_wrong_secret_does_not_start_and_says_so_in_one_line(
    service: Service, stage: Stage
) -> None:
    stored = rows(stage.database_url, "SELECT * FROM data_keys")

    for command in ("serve", "rekey"):
        ended = await run(command, {**service.settings, "secret_key": NEW_KEY})
        assert (ended.returncode, ended.stdout) == (1, "")
        (line,) = ended.stderr.splitlines()
        assert "REGISTRATION_SECRET_KEY" in line
        assert NEW_KEY not in line

    assert rows(stage.database_url, "SELECT * FROM data_keys") == stored
