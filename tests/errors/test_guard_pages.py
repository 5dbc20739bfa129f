"""No operation reads or writes beyond its arrays: they end, or begin, at a page that nobody may touch."""

import numpy as np
import pytest

from tests.support.pages import Guarded
from tests.support.processes import LEVELS, missing, output_of, start, without_sanitizer
from tests.support.sweep import LONG, times
from tests.tools.guard_pages import FAMILIES

#: Instruction-set levels: the best of this machine in the suite, every one in a sweep.
CHOSEN = LEVELS if LONG else ("",)


@pytest.mark.parametrize("level", CHOSEN)
@pytest.mark.parametrize("family", FAMILIES)
def test_no_array_is_left(family: str, level: str) -> None:
    if level and (reason := missing(level)):
        pytest.skip(f"level {level}: {reason}")
    printed = output_of(
        ["-m", "tests.tools.guard_pages", family], timeout=times(120, 900), SIMDNN_ISA=level
    ).splitlines()
    assert printed[-1].startswith(f"{family}: ")
    assert int(printed[-1].split()[1]) > 500


@without_sanitizer
@pytest.mark.parametrize("end", [True, False])
@pytest.mark.parametrize("access", ["array[8]", "array.__setitem__(8, 1)"])
def test_a_read_or_write_beyond_a_page_ends_the_process(access: str, end: bool) -> None:
    script = f"""
import numpy as np
from tests.support.pages import Guarded
held = Guarded().hold(np.zeros(8), {end})
array = np.lib.stride_tricks.as_strided(held if {end} else held[::-1], (20,))
{access}
"""
    done = start(["-c", script], 60, {})
    assert done.returncode == -11


@pytest.mark.parametrize("end", [True, False])
def test_a_write_next_to_an_array_is_seen(end: bool) -> None:
    memory = Guarded()
    held = memory.hold(np.zeros(8), end)
    assert memory.intact()
    beyond = np.lib.stride_tricks.as_strided(held[::-1] if end else held, (9,))
    beyond[8] = 1
    assert not memory.intact()
