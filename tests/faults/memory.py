"""What a process holds, by /proc."""

from pathlib import Path

MB = 1_000_000


def memory(pid: int, what: str = "VmRSS") -> int:
    """A process's bytes of memory: now, or with VmHWM the most since `forget`."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(what)).split()[1]) * 1024


def forget(pid: int) -> None:
    """Let the most that a process had begin anew (proc(5), clear_refs)."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
