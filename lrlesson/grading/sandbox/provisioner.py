"""The sandbox as a jupyter_client kernel provisioner, so that any Jupyter program can use it.

A kernelspec names it (`lrlesson/grading/sandbox/kernelspec/kernel.json` is one):

    "metadata": {"kernel_provisioner": {"provisioner_name": "lrlesson-sandbox", "config": {}}}
"""

from __future__ import annotations

import asyncio
import atexit
import os
from importlib.metadata import EntryPoint
from typing import Any

from jupyter_client.provisioning.factory import KernelProvisionerFactory
from jupyter_client.provisioning.provisioner_base import KernelProvisionerBase
from traitlets import Bool, Int

from lrlesson.grading.sandbox.bubblewrap import Kernel, Limits, Sandbox

NAME = "lrlesson-sandbox"
Files = tuple[tuple[str, bytes], ...]
_shared: dict[tuple[int, Limits, bool, Files], Sandbox] = {}


def register() -> None:
    """Make the provisioner known in this process, also where no entry point says so."""
    here = EntryPoint(NAME, f"{__name__}:SandboxProvisioner", KernelProvisionerFactory.GROUP_NAME)
    KernelProvisionerFactory.instance().provisioners.setdefault(NAME, here)


def shared(limits: Limits = Limits(), whole: bool = False, files: Files = ()) -> Sandbox:  # noqa: B008
    """This process's sandbox of that kind, started if there is none."""
    key = (os.getpid(), limits, whole, files)
    sandbox = _shared.get(key)
    if sandbox is None or sandbox.process.poll() is not None:
        sandbox = _shared[key] = Sandbox(limits, whole, files)
    return sandbox


def close_all() -> None:
    """End the fork servers of this process."""
    while _shared:
        _, sandbox = _shared.popitem()
        sandbox.close()


atexit.register(close_all)


class SandboxProvisioner(KernelProvisionerBase):
    """Forks the kernel in a sandbox that the process's kernels share.

    `warm` False starts a sandbox for this kernel alone; `whole` leaves lrlesson.feedback in it.
    """

    warm = Bool(True, config=True)
    whole = Bool(False, config=True)
    memory = Int(Limits.memory, config=True)

    kernel: Kernel | None = None
    own: Sandbox | None = None
    used: Sandbox | None = None

    @property
    def has_process(self) -> bool:
        return self.kernel is not None

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        kwargs.pop("extra_arguments", None)
        kwargs.pop("transport_encryption", None)
        return await super().pre_launch(cmd=[], **kwargs)

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        manager: Any = self.parent
        manager.transport = "ipc"
        names = ("shell", "iopub", "stdin", "control", "hb")
        connection = {
            "transport": "ipc",
            "ip": "/ipc/k",
            **{f"{name}_port": number for number, name in enumerate(names, 1)},
            "key": manager.session.key.decode(),
            "signature_scheme": manager.session.signature_scheme,
            "kernel_name": manager.kernel_name or "",
        }
        self.used = self._sandbox()
        self.kernel = self.used.launch(connection, getattr(manager, "referee", None))
        reached = self.kernel.connection
        return {**reached, "key": reached["key"].encode()}

    def _sandbox(self) -> Sandbox:
        limits, files = Limits(memory=self.memory), getattr(self.parent, "files", ())
        if not self.warm:
            self.own = Sandbox(limits, self.whole, files)
            return self.own
        return shared(limits, self.whole, files)

    async def poll(self) -> int | None:
        return None if self.kernel and self.kernel.alive else 0

    async def wait(self) -> int | None:
        while await self.poll() is None:
            await asyncio.sleep(0.05)
        self.kernel = None
        return 0

    async def send_signal(self, signum: int) -> None:
        if self.kernel:
            self.kernel.signal(signum)

    async def kill(self, restart: bool = False) -> None:
        if self.kernel and not self.kernel.kill():  # nothing starts beside what is not gone
            assert self.used
            self.used.close()
        if self.own:
            self.own.close()
            self.own = None

    async def terminate(self, restart: bool = False) -> None:
        await self.kill(restart)

    async def cleanup(self, restart: bool = False) -> None:
        await self.kill(restart)
