"""The Java MultiLangDaemon as a child process: its files, its command line, its start and its end."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from consumer.kinesis.java import find_java
from consumer.kinesis.process import die_with_parent, require_single_thread
from consumer.kinesis.properties import KclSettings, kcl_properties, render_properties

_MAIN_CLASS = "software.amazon.kinesis.multilang.MultiLangDaemon"
_LOGBACK = """\
<configuration>
  <appender name="FILE" class="ch.qos.logback.core.rolling.RollingFileAppender">
    <file>${fraudstream.daemon.log}</file>
    <rollingPolicy class="ch.qos.logback.core.rolling.FixedWindowRollingPolicy">
      <fileNamePattern>${fraudstream.daemon.log}.%i</fileNamePattern>
      <minIndex>1</minIndex>
      <maxIndex>1</maxIndex>
    </rollingPolicy>
    <triggeringPolicy class="ch.qos.logback.core.rolling.SizeBasedTriggeringPolicy">
      <maxFileSize>10MB</maxFileSize>
    </triggeringPolicy>
    <encoder><pattern>%d{ISO8601, UTC}Z [%thread] %-5level %logger{36} - %msg%n</pattern></encoder>
  </appender>
  <root level="WARN"><appender-ref ref="FILE"/></root>
</configuration>
"""
_TAIL_BYTES = 16_384


class JarsMissingError(RuntimeError):
    """The package amazon_kclpy is there, but not the jars that it should have fetched."""


class DaemonStarter(Protocol):
    """Starts a daemon that will run `executable` for each shard."""

    def start(self, executable: str) -> subprocess.Popen[bytes]:
        """Return the running process: in a session of its own, dying with its parent, holding the worker id's lock."""

    def log_tail(self, lines: int) -> list[str]:
        """Return the last lines that it logged, oldest first."""


@dataclass(frozen=True, slots=True)
class JavaDaemon:
    """The real daemon. `state_dir` gets kcl.properties, logback.xml, daemon.log (10 MB, one older) and daemon.out."""

    kcl: KclSettings
    state_dir: Path
    java_options: tuple[str, ...]
    environment: Mapping[str, str]
    lock_fd: int

    @property
    def log_path(self) -> Path:
        """Where Java logs, at WARN."""
        return self.state_dir / "daemon.log"

    @property
    def output_path(self) -> Path:
        """Java's stdout and stderr: what the JVM says before and after logging works. Truncated at every start."""
        return self.state_dir / "daemon.out"

    def start(self, executable: str) -> subprocess.Popen[bytes]:
        """See `DaemonStarter`. Raises NoJavaError, JarsMissingError, ThreadsBeforeForkError."""
        command = self._command()
        self._write_files(executable)
        require_single_thread()
        host_pid = os.getpid()
        with self.output_path.open("wb") as output:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**self.environment, **self._extra_environment()},
                pass_fds=(self.lock_fd,),
                start_new_session=True,
                preexec_fn=lambda: die_with_parent(host_pid),  # noqa: PLW1509 - the host has a single thread, asserted above
            )

    def log_tail(self, lines: int) -> list[str]:
        """See `DaemonStarter`."""
        return (tail(self.log_path, lines) + tail(self.output_path, lines))[-lines:]

    def _command(self) -> list[str]:
        return [
            find_java(self.environment).command,
            *self.java_options,
            "-Dfile.encoding=UTF-8",
            f"-Dfraudstream.daemon.log={self.log_path.resolve()}",
            "-cp",
            str(jars_directory() / "*"),
            _MAIN_CLASS,
            "--log-configuration",
            str(self.state_dir / "logback.xml"),
            "--properties-file",
            str(self.state_dir / "kcl.properties"),
        ]

    def _extra_environment(self) -> dict[str, str]:
        extra = {"LC_ALL": "C.UTF-8"}
        if self.kcl.endpoint_url is not None:
            extra["AWS_EC2_METADATA_DISABLED"] = "true"
        return extra

    def _write_files(self, executable: str) -> None:
        properties = kcl_properties(self.kcl, executable)
        (self.state_dir / "kcl.properties").write_text(render_properties(properties))
        (self.state_dir / "logback.xml").write_text(_LOGBACK)


def jars_directory() -> Path:
    """Return the folder with the daemon's jars. Raises JarsMissingError."""
    spec = importlib.util.find_spec("amazon_kclpy")
    places = spec.submodule_search_locations if spec else None
    jars = Path(next(iter(places or ["amazon_kclpy"]))) / "jars"
    if not any(jars.glob("amazon-kinesis-client-multilang-*.jar")):
        raise JarsMissingError(
            f"no MultiLangDaemon jar in {jars}: install amazon_kclpy again, with network for its jars"
        )
    return jars


def tail(path: Path, lines: int) -> list[str]:
    """Return the last lines of a file that may be large or missing."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
            text = file.read()
    except FileNotFoundError:
        return []
    return text.decode("utf-8", "replace").splitlines()[-lines:]


def end_process(process: subprocess.Popen[bytes], number: signal.Signals = signal.SIGKILL) -> None:
    """Send a signal to a process that may have ended already; after SIGKILL also reap it."""
    process.send_signal(number)
    if number is signal.SIGKILL:
        process.wait()
