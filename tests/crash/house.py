"""One installation of real processes under the program's own supervisor: database, mailbox, worker, web.

Run as a module it is that supervisor; ``House`` starts it, finds its processes and kills them.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent.parent


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def share_speech(data: Path) -> None:
    """Let an installation take announcements that another one of this checkout has had spoken already."""
    kept = ROOT / "var" / "speech"
    kept.mkdir(parents=True, exist_ok=True)
    (data / "speech").symlink_to(kept)


@dataclass
class House:
    """Everything of one installation, in a folder of its own."""

    data: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="madoguchi-crash-")))
    port: int = field(default_factory=free_port)
    smtp: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    left: list[psutil.Process] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.data.chmod(0o755)
        share_speech(self.data)

    @property
    def env(self) -> dict[str, str]:
        kept = {
            k: v
            for k, v in os.environ.items()
            if not k.startswith(("MADOGUCHI_", "DATABASE_URL", "DJANGO_", "PYTEST_"))
        }
        return {
            **kept,
            "MADOGUCHI_DATA": str(self.data),
            "MADOGUCHI_MODE": "development",
            "MADOGUCHI_SMTP": f"smtp://127.0.0.1:{self.smtp}",
            "MADOGUCHI_URL": f"http://127.0.0.1:{self.port}",
            "MADOGUCHI_MAIL_FROM": "yoyaku@madoguchi.example",
        }

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one verb of the program to its end."""
        return subprocess.run(
            [sys.executable, "-m", "madoguchi", *arguments],
            env=self.env, cwd=ROOT, text=True, capture_output=True, check=False, timeout=180,
        )  # fmt: skip

    def migrate(self) -> None:
        """Make the database ready: the tables as the tests already have them, then what the verb adds."""
        from madoguchi.ground.kit.postgres import EmbeddedPostgres
        from tests import database

        database.restore(EmbeddedPostgres(self.data).start().url)
        made = self.command("migrate")
        assert made.returncode == 0, made.stderr

    def start(self) -> None:
        log = (self.data / "house.log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.house", str(self.data), str(self.port), str(self.smtp)],
            env=self.env, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
        log.close()

    def log(self) -> str:
        return (self.data / "house.log").read_text(errors="replace")

    def ready(self) -> bool:
        """Whether the web answers that it is ready."""
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            connection.request("GET", "/healthz")
            answer = connection.getresponse()
            return answer.status == 200 and json.loads(answer.read())["ready"] is True
        except (OSError, http.client.HTTPException, ValueError):
            return False
        finally:
            connection.close()

    def wait_ready(self, seconds: float = 60) -> float:
        begun = time.monotonic()
        while not self.ready():
            assert time.monotonic() - begun < seconds, f"not ready after {seconds} s:\n{self.log()[-4000:]}"
            time.sleep(0.1)
        return time.monotonic() - begun

    def find(self, what: str) -> list[psutil.Process]:
        """The living processes of a part: ``web`` (granian's main), ``web process`` (its children), ``worker``, ``mailbox``."""
        assert self.process is not None
        found = []
        for child in psutil.Process(self.process.pid).children():
            with contextlib.suppress(psutil.Error):
                line = child.cmdline()
                if what.startswith("web") and "granian" in line:
                    found += child.children() if what == "web process" else [child]
                elif what in line and "granian" not in line:
                    found.append(child)
        return [p for p in found if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]

    def kill(self, what: str) -> int:
        """``kill -9`` one process of a part (of ``database``: the postmaster and every back end); its id."""
        if what == "database":
            from madoguchi.ground.kit.postgres import EmbeddedPostgres

            server = EmbeddedPostgres(self.data)
            running = server.running()
            assert running is not None
            server.kill()
            return running.pid
        process = self.find(what)[0]
        self.left += process.children(recursive=True)
        process.send_signal(signal.SIGKILL)
        return process.pid

    def stop(self) -> int:
        """Stop in order, as an administrator does; the exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(60)

    def tear_down(self) -> None:
        """Leave nothing behind, whatever happened."""
        from madoguchi.ground.kit.postgres import EmbeddedPostgres

        if self.process is not None and self.process.poll() is None:
            family = psutil.Process(self.process.pid).children(recursive=True)
            self.process.kill()
            self.process.wait()
            for process in family:
                with contextlib.suppress(psutil.Error):
                    process.kill()
        server = EmbeddedPostgres(self.data)
        server.stop()
        shutil.rmtree(server.pgdata, ignore_errors=True)
        shutil.rmtree(self.data, ignore_errors=True)


def main() -> int:
    from madoguchi.cli.run import web_command
    from madoguchi.supervisor import Child, Supervisor

    data, port, smtp = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    this = [sys.executable, "-m", "madoguchi"]
    children = [
        Child("mailbox", [*this, "mailbox", "--port", smtp]),
        Child("worker", [*this, "worker"]),
        Child("web", web_command("127.0.0.1", port, 2, 16)),
    ]
    return Supervisor(children, data_dir=data, say=lambda text: print(text, flush=True)).run()


if __name__ == "__main__":
    sys.exit(main())
