"""The service under uvicorn's own command, where nothing is tried beforehand."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tools.addresses import LOOPBACK, free_port

ROOT = Path(__file__).parents[2]
SETTINGS = {
    "REGISTRATION_DATABASE_URL": f"mysql://nobody:hunter2@{LOOPBACK}:1/none",
    "REGISTRATION_SECRET_KEY": "the secret key of this test is long",
    "REGISTRATION_MAIL_FROM": "Tests <tests@example.com>",
}


def test_what_keeps_it_from_starting_is_told_in_one_line() -> None:
    others = {name: value for name, value in os.environ.items() if not name.startswith("REGISTRATION_")}
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "uvicorn",
            "--factory",
            "registration.main:create_app",
            f"--port={free_port()}",
        ],
        cwd=ROOT,
        env=others | SETTINGS,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["event"] for line in lines if line["level"] == "error"] == [
        "The database does not answer; is REGISTRATION_DATABASE_URL right?",
        "Application startup failed. Exiting.",
    ]
