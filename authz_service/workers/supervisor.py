"""The supervisor: starts workers, replaces those that die, and stops all of them."""

from __future__ import annotations

import selectors
import signal
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from authz_service import applog
from authz_service.listening import Turnstile, listen, port_of, turn_away
from authz_service.metrics import Metrics, Share
from authz_service.workers.folder import metrics_folder
from authz_service.workers.worker import Worker

PATIENCE_SECONDS = 40.0
"""How long a stop waits for workers; they give themselves 30 seconds to finish."""


def supervise(
    command: Sequence[str],
    count: int,
    host: str,
    port: int,
    data_dir: Path,
    serving: Callable[[int], None],
) -> int:
    """
    Serve with *count* workers until SIGTERM or SIGINT; for the main thread.

    The first worker is started alone: what keeps it from serving would keep all of them.

    Args:
        command: starts a worker, when ``--worker PLACE`` is added to it.
        count: how many workers.
        host: the address to listen on.
        port: the port to listen on; 0 lets the system choose.
        data_dir: the folder in which that of the metrics is made.
        serving: hears the port once every worker serves, or has died trying.

    Returns:
        the exit code: 0 after a stop in which every worker finished what it had in hand, 1
        after another; that of the first worker if it did not come to serve, and has said why.

    Raises:
        OSError: the address cannot be listened on, or is none; or the folder cannot be made.
    """
    with ExitStack() as held:
        sockets = listen(host, port)
        for one in sockets:
            held.enter_context(one)
        folder = held.enter_context(metrics_folder(data_dir))
        supervisor = _Supervisor(command, count, sockets, folder)
        held.callback(supervisor.close)
        return supervisor.run(lambda: serving(port_of(sockets)))


class _Supervisor:
    """Starts workers, replaces those that die, and stops all of them."""

    def __init__(
        self,
        command: Sequence[str],
        count: int,
        sockets: tuple[socket.socket, ...],
        folder: Path,
    ) -> None:
        self._command = command
        self._sockets = sockets
        self._workers = [Worker(Share(folder, str(number + 1))) for number in range(count)]
        self._metrics = Metrics(Share(folder, "supervisor"))
        self._metrics.workers_wanted(count)
        self._turnstile = Turnstile(sockets, self._metrics.shed)
        self._stopping = False
        self._bell, self._rope = socket.socketpair()
        for end in (self._bell, self._rope):
            end.settimeout(0.0)

    def close(self) -> None:
        """Let go of what wakes it, and of whom it has refused."""
        signal.set_wakeup_fd(-1)
        self._turnstile.close()
        self._bell.close()
        self._rope.close()

    def run(self, serving: Callable[[], None]) -> int:
        """Serve until told to stop; see ``supervise``."""
        # Signals only wake it: all is done in the loop, between two waits.
        signal.set_wakeup_fd(self._rope.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._signalled)
        first = self._workers[0]
        first.start(self._command, self._sockets)
        while not (first.serves or self._stopping):
            self._wait(time.monotonic() + self._turnstile.look(serving=False))
            code = first.ended()
            if code is not None and not self._stopping:
                if code < 0:
                    applog.worker_died(first.share.place, code, None)
                return code if code > 0 else 1
        told = False
        while not self._stopping:
            self._bury()
            self._start_due()
            if not told and all(one.settled for one in self._workers):
                serving()
                told = True
            look = time.monotonic() + self._turnstile.look(
                serving=any(one.serves for one in self._workers)
            )
            self._wait(min([look, *(one.due for one in self._workers if one.due)]))
        return self._stop()

    def _signalled(self, _number: int, _frame: object) -> None:
        self._stopping = True

    def _start_due(self) -> None:
        for one in self._workers:
            if one.due is None or one.due > time.monotonic():
                continue
            replaces = one.settled
            try:
                one.start(self._command, self._sockets)
            except OSError as error:
                one.settled = True
                applog.worker_not_started(one.share.place, error, one.due_again())
                continue
            if replaces:
                self._metrics.worker_replaced()
                applog.worker_started(one.share.place, one.pid)

    def _bury(self) -> None:
        for one in self._workers:
            code = one.ended()
            if code is not None and not self._stopping:
                applog.worker_died(one.share.place, code, one.due_again())
        self._metrics.workers_serve(sum(one.serves for one in self._workers))

    def _wait(self, until: float | None) -> None:
        """Wait for a signal, or a worker's word, or the moment *until*."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._bell, selectors.EVENT_READ)
            for one in self._workers:
                if one.line is not None:
                    selector.register(one.line, selectors.EVENT_READ, one)
            seconds = None if until is None else max(0.0, until - time.monotonic())
            for key, _events in selector.select(seconds):
                if isinstance(key.data, Worker):
                    key.data.listen_to_it()
                else:
                    self._bell.recv(4096)

    def _stop(self) -> int:
        """Let nobody new in, and wait until every worker has finished."""
        turn_away(self._sockets)
        for one in self._workers:
            one.stop()
        until = time.monotonic() + PATIENCE_SECONDS
        while any(one.runs for one in self._workers) and time.monotonic() < until:
            self._wait(until)
            self._bury()
        killed = [one for one in self._workers if one.runs]
        for one in killed:
            one.kill()
        return 1 if killed else 0
