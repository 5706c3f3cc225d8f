"""``fraudstream up`` as a user meets it: a process in the foreground, a file of variables, commands that work."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from infra.local.errors import AlreadyRunningError
from infra.local.ports import free_port
from infra.local.up import up

pytestmark = pytest.mark.real

PROGRAM = """
import sys
from pathlib import Path
from infra.local.up import up

def prepare(environment, resources):
    print("prepared", resources.stream_name, environment.client("kinesis").list_streams()["StreamNames"])

ports = dict(aws_port=int(sys.argv[2]), database_port=int(sys.argv[3]))
up(state_dir=Path(sys.argv[1]), shards=2, prepare=prepare, announce=lambda line: print(line, flush=True), **ports)
"""


@dataclass
class Foreground:
    """A running ``up`` and what it has printed so far."""

    process: subprocess.Popen[str]
    state_dir: Path
    lines: list[str]

    @property
    def variables(self) -> dict[str, str]:
        text = (self.state_dir / "local.env").read_text()
        return dict(line.split("=", 1) for line in shlex.split(text))


@pytest.fixture(scope="module")
def foreground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Foreground]:
    state_dir = tmp_path_factory.mktemp("up") / "state with space"
    command = [sys.executable, "-c", PROGRAM, str(state_dir), str(free_port()), str(free_port())]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line.rstrip("\n"))
        if "Ctrl-C" in line:
            break
    yield Foreground(process, state_dir, lines)
    process.kill()
    process.wait()
    process.stdout.close()


def test_it_prepares_before_it_announces(foreground: Foreground) -> None:
    assert foreground.lines[0] == "prepared fraudstream-transactions ['fraudstream-transactions']"


def test_the_variables_in_the_file_are_those_printed(foreground: Foreground) -> None:
    exports = [shlex.split(line) for line in foreground.lines if line.startswith("  export ")]
    assert dict(words[1].split("=", 1) for words in exports) == foreground.variables
    assert (foreground.state_dir / "local.env").stat().st_mode & 0o077 == 0
    with psycopg.connect(foreground.variables["DATABASE_URL"]) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_the_printed_commands_work_where_the_exports_were_made(foreground: Foreground) -> None:
    commands = [line.strip() for line in foreground.lines if line.startswith("  aws ")] if shutil.which("aws") else []
    psql = foreground.lines[-2].strip() + " -c 'select 41 + 1'"
    environment = {"PATH": os.environ["PATH"], "HOME": str(foreground.state_dir), **foreground.variables}
    for command in (*commands, psql):
        done = subprocess.run(command, shell=True, env=environment, capture_output=True, text=True, check=False)  # noqa: S602
        assert done.returncode == 0, (command, done.stderr)
    assert "42" in done.stdout


def test_a_second_one_in_the_same_folder_is_refused(foreground: Foreground) -> None:
    with pytest.raises(AlreadyRunningError, match=rf"process {foreground.process.pid}\)"):
        up(state_dir=foreground.state_dir, aws_port=0, database_port=0)


@pytest.mark.parametrize("order", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_in_order_when_asked(tmp_path: Path, order: signal.Signals) -> None:
    command = [sys.executable, "-c", PROGRAM, str(tmp_path), "0", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "Ctrl-C" in line:
                process.send_signal(order)
        assert line.startswith("Stopped.")
    assert process.returncode == 0
    assert not (tmp_path / "local.env").exists()
