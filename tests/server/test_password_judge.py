"""PWD-03: new passwords are judged off the event loop, by lists that take little memory."""

import asyncio
import subprocess
import sys
import time

from keyturn.core.password_blocklist import Names, Objection
from keyturn.server.hash_threads import HashThreads
from keyturn.server.password_judge import ListJudge, is_common

NOBODY = Names(user=frozenset(), service=frozenset())


async def test_pwd_03_the_loop_goes_on_while_the_lists_are_read() -> None:
    """PWD-08: the first judgement, which reads the lists, stops nobody for more than a moment."""
    judge, longest = ListJudge(HashThreads(1)), 0.0
    judging = asyncio.create_task(judge.objection("P@ssw0rd-2026!", NOBODY))
    while not judging.done():
        started = time.perf_counter()
        await asyncio.sleep(0)
        longest = max(longest, time.perf_counter() - started)
    assert await judging is Objection.NEARLY_COMMON
    assert longest < 0.5


async def test_pwd_03_a_long_password_costs_no_more_than_a_moment() -> None:
    """PWD-02: 1,024 bytes of ornaments, names and halves of words are judged in milliseconds."""
    judge = ListJudge(HashThreads(1))
    names = Names(user=frozenset(f"name{number}" for number in range(60)), service=frozenset({"keyturn"}))
    started = time.process_time()
    for password in ("name1" * 204, "1!" * 512, "passwor1" * 128, "é" * 512, "ab" * 511 + "c"):
        await judge.objection(password, names)
    assert time.process_time() - started < 1


def test_pwd_03_whole_words_count_alone() -> None:
    """A line break in a password reaches over no two entries."""
    assert is_common("password")
    assert not is_common("asswordqw")
    assert not is_common("password\nqwerty")
    assert not is_common("")


def test_pwd_03_the_lists_take_little_memory() -> None:
    """P13: less than 8 MiB, and none before the first new password."""
    code = (
        "import resource, sys, keyturn.server.password_judge as judge\n"
        "def rss(): return int(open('/proc/self/statm').read().split()[1]) * resource.getpagesize() / 2**20\n"
        "before = rss(); assert judge.is_common('password'); print(rss() - before)\n"
        "assert 'zxcvbn' not in sys.modules"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
    assert float(ran.stdout) < 8
