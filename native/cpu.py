"""Whether this processor can run the native module: asked before it is loaded, for afterwards it would be a crash."""

from pathlib import Path

#: What x86-64-v3 has and x86-64 need not have, by Linux's names.
X86_64_V3 = ("avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe")

#: What `_core.built_for` is, and so what stands among its bytes, where it was built for such processors.
MARK = b"x86-64-v3"


def lacking(cpuinfo: str) -> list[str]:
    """What the first processor of a `/proc/cpuinfo` lacks of x86-64-v3; nothing where the text names no x86 flags."""
    for line in cpuinfo.splitlines():
        name, _, flags = line.partition(":")
        if name.strip() == "flags":
            return sorted(set(X86_64_V3).difference(flags.split()))
    return []


def check(module: Path, cpuinfo: Path = Path("/proc/cpuinfo")) -> None:
    """Raises ImportError where `module`, the native module's file, was built for a newer processor than this one.

    Says nothing where `cpuinfo` cannot be read, as on systems other than Linux.
    """
    try:
        missing = lacking(cpuinfo.read_text())
    except OSError:
        return
    if missing and module.is_file() and MARK in module.read_bytes():
        raise ImportError(
            f"{module.name} was built for x86-64-v3, and this processor lacks {', '.join(missing)}: "
            "delete the last two lines of .cargo/config.toml, then `make clean build`"
        )
