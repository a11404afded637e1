"""A short run of `make chaos`: a replica and a database node die, the provider goes away, and every promise is kept."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from tests.private_database import ROOT
from tools import haproxy
from tools.chaos import record
from tools.chaos.check import check
from tools.chaos.history import is_success
from tools.galera_distribution import find_galera
from tools.haproxy import NoHAProxy
from tools.server_distribution import NoServer

SEED = 7
LONGEST_SECONDS = 400
"""A run that goes well takes a tenth of it."""


@pytest.fixture(scope="module", autouse=True)
def cluster_is_possible() -> None:
    try:
        find_galera()
        haproxy.find()
    except (NoServer, NoHAProxy) as error:
        pytest.skip(str(error))


async def test_keeps_every_promise_while_parts_die_under_load(tmp_path: Path) -> None:
    command = ["-m", "tools.chaos", "run", "--short", "--seed", str(SEED), "--folder", str(tmp_path)]
    ran = await asyncio.to_thread(  # the loop is others', too
        subprocess.run,
        [sys.executable, *command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LONGEST_SECONDS,
        check=False,
    )
    told = f"{ran.stdout}\n{ran.stderr}"
    assert "The nodes have the same tables." in told, told

    # its exit status also tells whether answers came again in time, which a busy machine may miss
    found = record.read(tmp_path)
    assert [case for verdict in check(found) for case in verdict.broken] == []
    assert {incident.kind for incident in found.incidents} == {
        "replica killed",
        "node killed",
        "provider refuses",
    }
    last_mended_at = max(incident.ended_at for incident in found.incidents)
    assert any(is_success(call) and call.sent_at > last_mended_at for call in found.calls)
    assert any(call.problem == "incorrect-code" for call in found.calls)
    assert f"Seed {SEED}" in (tmp_path / "report.md").read_text()
    assert (tmp_path / "picture.svg").read_text().startswith("<svg")
