"""The embedded PostgreSQL: real, restartable, and gone afterwards."""

import os
import shutil
import stat
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from infra.local.errors import PortBusyError, PostgresError
from infra.local.ports import bind_port, free_port
from infra.local.postgres import EmbeddedPostgres, account, binaries

pytestmark = pytest.mark.real

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user runs the programs where they are")


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(tmp_path_factory.mktemp("postgres") / "postgres.log") as server:
        yield server


def ask(url: str, query: str) -> str:
    with psycopg.connect(url) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return str(row[0])


@pytest.mark.parametrize(
    ("setting", "value"),
    [("timezone", "UTC"), ("server_encoding", "UTF8"), ("fsync", "off"), ("listen_addresses", "127.0.0.1")],
)
def test_the_settings_are_those_that_the_ledger_expects(postgres: EmbeddedPostgres, setting: str, value: str) -> None:
    assert ask(postgres.url, f"show {setting}") == value


def test_a_wrong_password_is_refused(postgres: EmbeddedPostgres) -> None:
    wrong = postgres.url.replace(postgres._password, "wrong")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(wrong)


def test_a_restart_keeps_the_data_and_the_url(postgres: EmbeddedPostgres) -> None:
    url, pid = postgres.url, postgres.pid
    with psycopg.connect(url) as connection:
        connection.execute("create table kept as select 7 as answer")
    postgres.restart()
    assert postgres.pid != pid
    assert ask(url, "select answer from kept") == "7"


def test_a_stopped_server_is_down_until_it_is_started(postgres: EmbeddedPostgres) -> None:
    postgres.stop()
    postgres.stop()
    assert not postgres.is_running
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(postgres.url)
    postgres.start()
    assert ask(postgres.url, "select 1") == "1"


def test_a_wanted_port_is_used_and_nothing_is_left_over(tmp_path: Path) -> None:
    port = free_port()
    server = EmbeddedPostgres(tmp_path / "postgres.log", port=port, fsync=True)
    with server:
        assert f":{port}/" in server.url
        assert ask(server.url, "show fsync") == "on"
        assert server._folder is not None
        folder = server._folder.path
        assert folder.exists()
    assert not folder.exists()
    bind_port(port).close()


def test_the_older_major_version_runs_too(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path / "postgres.log", major=16) as server:
        assert ask(server.url, "show server_version").startswith("16.")


def test_a_busy_port_is_reported(tmp_path: Path) -> None:
    with bind_port(0) as taken:
        taken.listen()
        server = EmbeddedPostgres(tmp_path / "postgres.log", port=taken.getsockname()[1])
        with pytest.raises(PortBusyError), server:
            pass
    assert server._folder is None


def test_a_server_that_cannot_start_shows_the_end_of_its_log(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "postgres.log")
    server._settings["shared_buffers"] = "nonsense"
    with pytest.raises(PostgresError, match=r"(?s)invalid value for parameter .shared_buffers.*DATABASE_URL"), server:
        pass


def test_what_a_killed_owner_left_behind_is_swept_up(postgres: EmbeddedPostgres, tmp_path: Path) -> None:
    assert postgres._folder is not None
    alive = postgres._folder.path
    dead = alive.with_name("fraudstream-cluster-left-behind")
    dead.mkdir()
    (dead / "owner.lock").touch()
    with EmbeddedPostgres(tmp_path / "postgres.log"):
        assert not dead.exists()
        assert alive.exists()


@AS_ROOT
def test_root_runs_the_server_as_somebody_else(postgres: EmbeddedPostgres) -> None:
    assert Path(f"/proc/{postgres.pid}").stat().st_uid == account.server_account("nobody").uid != 0


@AS_ROOT
def test_a_user_who_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(PostgresError, match="no user 'nobody-at-all'"):
        EmbeddedPostgres(tmp_path / "postgres.log", user="nobody-at-all")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(binaries, "_CACHE_ROOT", str(tmp_path))
    return tmp_path


def test_two_who_race_for_the_copy_both_get_a_whole_one(cache: Path) -> None:
    start = threading.Barrier(2)

    def copy(_number: int) -> binaries.Binaries:
        start.wait()
        return binaries.shared_binaries(18)

    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(copy, range(2))
    assert first == second
    assert [path.name for path in cache.iterdir()] == [first.folder.parents[2].name]
    for name in ("initdb", "postgres"):
        assert stat.S_IMODE(Path(first.program(name)).stat().st_mode) == 0o755


def test_a_damaged_copy_is_made_again(cache: Path) -> None:
    programs = binaries.shared_binaries(18)
    share = programs.folder.parent / "share"
    shutil.rmtree(share)
    assert binaries.shared_binaries(18) == programs
    assert share.exists()
    assert len(list(cache.iterdir())) == 1


def test_a_copy_that_others_may_write_is_not_trusted(cache: Path) -> None:
    copy = binaries.shared_binaries(18).folder.parents[2]
    copy.chmod(0o777)
    assert binaries.shared_binaries(18).folder.parents[2] == copy
    assert stat.S_IMODE(copy.stat().st_mode) == 0o755
    assert copy.parent == cache
