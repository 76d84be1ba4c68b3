"""An older processor gets an ImportError that says what to do, not a crash."""

from pathlib import Path

import pytest

from native import _core, cpu

V3 = "fpu vme sse4_2 movbe avx f16c abm bmi1 avx2 bmi2 fma"


def cpuinfo(flags: str) -> str:
    """Two processors as Linux on x86 describes them."""
    one = f"processor\t: 0\nmodel name\t: CPU @ 2.00GHz\nflags\t\t: {flags}\nvmx flags\t: vnmi\nbugs\t\t: mds\n"
    return f"{one}\n{one}"


def test_what_a_processor_lacks_is_named() -> None:
    assert cpu.lacking(cpuinfo(V3)) == []
    assert cpu.lacking(cpuinfo(V3.replace("avx2 ", ""))) == ["avx2"]
    assert cpu.lacking(cpuinfo("fpu sse4_2 avx")) == sorted(cpu.X86_64_V3)


@pytest.mark.parametrize("text", ["", "processor\t: 0\nFeatures\t: fp asimd evtstrm aes\n"])
def test_where_no_x86_flags_are_nothing_is_lacking(text: str) -> None:
    assert cpu.lacking(text) == []


def test_a_module_built_for_more_is_not_loaded(tmp_path: Path) -> None:
    old, new, module = tmp_path / "old", tmp_path / "new", tmp_path / "_core.abi3.so"
    old.write_text(cpuinfo(V3.replace("avx2 ", "")))
    new.write_text(cpuinfo(V3))
    module.write_bytes(b"\x7fELF..." + cpu.MARK + b"\0")
    with pytest.raises(ImportError, match=r"lacks avx2: delete .*\.cargo/config\.toml"):
        cpu.check(module, old)
    cpu.check(module, new)
    cpu.check(module, tmp_path / "no such file")
    module.write_bytes(b"\x7fELF...x86-64\0")
    cpu.check(module, old)


def test_the_module_says_what_it_was_built_for() -> None:
    origin = _core.__file__
    assert origin is not None
    assert (cpu.MARK in Path(origin).read_bytes()) == (_core.built_for == cpu.MARK.decode())


def test_the_lines_to_delete_are_the_last_two() -> None:
    lines = (Path(__file__).parents[2] / ".cargo" / "config.toml").read_text().splitlines()
    assert lines[-2].startswith("[target.")
    assert "x86-64-v3" in lines[-1]
