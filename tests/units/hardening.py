#!/usr/bin/env python3
"""Reads an executable for Debian's hardening, with binutils' readelf.

hardening.py PROGRAM...     prints what is missing; exit code 1 if something is
"""

import re
import subprocess
import sys

# By architecture, as bytes of code: what an indirect branch may reach (ENDBR64, BTI c), and a probe of the stack's next
# page (OR $0, (%RSP)).
CONTROL_FLOW = {"Advanced Micro Devices X86-64": b"\xf3\x0f\x1e\xfa", "AArch64": b"\x5f\x24\x03\xd5"}
STACK_PROBE = {"Advanced Micro Devices X86-64": b"\x48\x83\x0c\x24\x00"}


def readelf(option, program):
    """What readelf prints."""
    return subprocess.run(["readelf", "--wide", option, program], check=True, capture_output=True, text=True).stdout


def code_of(program):
    """The bytes of its section .text."""
    offset, size = re.search(r" \.text +PROGBITS +\w+ (\w+) (\w+) ", readelf("--sections", program)).groups()
    with open(program, "rb") as f:
        f.seek(int(offset, 16))
        return f.read(int(size, 16))


def missing(program):
    """The kinds of hardening that a program lacks."""
    header, dynamic, segments, symbols = (
        readelf(o, program) for o in ("--file-header", "--dynamic", "--segments", "--dyn-syms")
    )
    machine, code = re.search(r"Machine: +(.+)", header)[1], code_of(program)
    wanted = {
        "a position-independent executable": re.search(r"Type: +DYN", header) and "PIE" in dynamic,
        "BIND_NOW": re.search(r"FLAGS_1.*\bNOW\b", dynamic),
        "RELRO": "GNU_RELRO" in segments,
        "a stack that is not executable": re.search(r"GNU_STACK.* RW +0x", segments),
        "stack protector (__stack_chk_fail)": "__stack_chk_fail" in symbols,
        "_FORTIFY_SOURCE (functions named *_chk)": re.search(r"__\w+_chk@GLIBC", symbols),
        "assertions of the C++ library": "__glibcxx_assert_fail" in symbols,
        "control-flow protection": code.count(CONTROL_FLOW.get(machine, b"")) > 1000,
        "stack-clash protection": STACK_PROBE.get(machine, b"") in code,
    }
    if machine in STACK_PROBE:
        wanted["a mark for the shadow stack (SHSTK)"] = "SHSTK" in readelf("--notes", program)
    return [name for name, found in wanted.items() if not found]


if __name__ == "__main__":
    failed = False
    for path in sys.argv[1:]:
        for name in missing(path):
            failed = True
            print(f"{path}: no {name}")
    sys.exit(1 if failed else 0)
