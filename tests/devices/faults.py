"""What can be wrong with a phone. Every field may be changed while the phone runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

AppFault = Literal["", "missing", "vanished", "crash", "abort", "killed", "hang", "garbage", "behind", "blind"]
RunnerFault = Literal["", "crash", "garbage", "truncated", "hang"]


@dataclass(slots=True)
class Faults:
    """Faults of one phone; the default is a healthy one.

    Attributes:
        old_shell: Android 6 or older: no `shell_v2`, so no exit codes, and stdout, stderr and carriage returns of the
            terminal in one stream. Needs a new connection.
        unauthorized: nobody accepts the computer's key on the screen. Needs a new connection.
        offline: nothing is answered, by connections that are there and by new ones.
        disconnect_after_pushed_bytes: the cable is pulled after so many bytes of file content, once.
        disconnect_after_run_s: the cable is pulled so long after a model starts to run, once.
        comes_back: after the cable was pulled the phone can be connected to again.
        space_bytes: so many bytes more can be pushed before the disk is full; None for no limit.
        read_only: `/data` cannot be written. Through the shell that holds for mkdir, rm, mv, cp, chmod, touch and tee
            but not for redirections.
        shell_hangs: a command is accepted and never starts.
        shell_delay_s: how late a command starts.
        missing_tools: commands this Android does not have; they do not come back.
        throttling: with every command the clocks fall by a tenth and the temperatures rise by 4 degrees.
        runner: what the model runner does wrong.
        app: what is wrong with the demo app: it is `missing`, or `vanished` since it was asked for; it ends by an
            exception (`crash`), a signal (`abort`) or without a word (`killed`); it never ends (`hang`), writes
            `garbage`, is `behind` another one, or cannot read the model (`blind`).
    """

    old_shell: bool = False
    unauthorized: bool = False
    offline: bool = False
    disconnect_after_pushed_bytes: int | None = None
    disconnect_after_run_s: float | None = None
    comes_back: bool = True
    space_bytes: int | None = None
    read_only: bool = False
    shell_hangs: bool = False
    shell_delay_s: float = 0.0
    missing_tools: tuple[str, ...] = ()
    throttling: bool = False
    runner: RunnerFault = ""
    app: AppFault = ""


@dataclass(slots=True)
class Counters:
    """What a phone was asked to do; `commands` are those of the shell, in order."""

    connections: int = 0
    pushes: int = 0
    pushed_bytes: int = 0
    pulls: int = 0
    commands: list[str] = field(default_factory=list)

    @property
    def shells(self) -> int:
        """Commands started."""
        return len(self.commands)

    @property
    def runs(self) -> int:
        """Commands that run a model."""
        return sum("--graph=" in command for command in self.commands)
