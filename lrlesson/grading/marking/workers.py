"""The processes that run jobs: the caller's executor, or a pool of our own."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

from lrlesson.grading.authoring.course import Files
from lrlesson.grading.marking.run import SANDBOX, Job, Outcome, run
from lrlesson.grading.sandbox import provisioner


@dataclass(frozen=True)
class How:
    """Where and how the kernels run."""

    isolation: str
    warm: bool
    executor: Executor | None
    workers: int
    files: Files = ()

    def job(self, notebook: str) -> Job:
        return Job(notebook, isolation=self.isolation, warm=self.warm, files=self.files)


class Workers:
    """Runs jobs on the given executor, or on processes of its own."""

    def __init__(self, how: How, most: int) -> None:
        self.how, self.most = how, most
        self.own: ProcessPoolExecutor | None = None

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if self.own:
            processes = list((self.own._processes or {}).values())
            self.own.shutdown(wait=kind is None, cancel_futures=True)
            for process in processes if kind else []:  # stopped: a cell may have long to run
                process.terminate()

    def fair(self, jobs: dict[tuple[str, str], Job]) -> Iterator[tuple[tuple[str, str], Outcome]]:
        """As `outcomes`; what ran out of time on busy processors runs again, last and alone."""
        again = []
        for key, outcome in self.outcomes(jobs):
            if outcome.starved:
                again.append(key)
            else:
                yield key, outcome
        for key in again:
            yield from self.outcomes({key: jobs[key]})

    def outcomes(
        self, jobs: dict[tuple[str, str], Job]
    ) -> Iterator[tuple[tuple[str, str], Outcome]]:
        """Each job's outcome, as they finish. A worker that is killed costs nobody else a mark.

        All that ran or waited when a pool of ours broke is run again, each job in a pool alone.
        """
        again: list[tuple[str, str]] = []
        if not jobs:
            return
        executor = self.how.executor or self._pool()
        futures = {executor.submit(run, job): key for key, job in jobs.items()}
        for future in as_completed(futures):
            try:
                yield futures[future], future.result()
            except BrokenProcessPool:
                again.append(futures[future])
            except Exception as error:
                yield futures[future], Outcome(failure=f"{type(error).__name__}: {error}")
        if not again:
            return
        if self.own:
            self.own.shutdown()
            self.own = None
        for key in again:
            with _new_pool(1, self.how) as alone:
                try:
                    yield key, alone.submit(run, jobs[key]).result()
                except BrokenProcessPool:
                    yield key, Outcome(failure="the grader's worker was killed while it ran")

    def _pool(self) -> ProcessPoolExecutor:
        self.own = self.own or _new_pool(min(self.how.workers, self.most), self.how)
        return self.own


def _new_pool(workers: int, how: How) -> ProcessPoolExecutor:
    """Fresh processes: a fork would copy the parent's open sockets and threads.

    A fork server of multiprocessing would start them sooner, but a grader that is killed would
    leave its socket on the disk.
    """
    return ProcessPoolExecutor(
        workers,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_begin_worker,
        initargs=(how.isolation == SANDBOX and how.warm, how.files),
    )


def _begin_worker(warm: bool, files: Files) -> None:
    """Start the fork server early, and end with the grader, however that ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the grader, which then ends us
    grader = multiprocessing.parent_process()
    assert grader is not None

    def watch() -> None:
        grader.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    if warm:
        provisioner.shared(files=files)
