"""PWD-05 to PWD-07, A47, A48, A50: how many passwords can really be tried, whoever one pretends to be.

The server is a whole one, in process, with its limits as they ship and a clock that the test moves; counted are the
wrong passwords that were held against the account's own hash. Meanwhile its owner logs in on a known device.
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from itertools import islice
from pathlib import Path
from random import Random
from time import monotonic

import pytest
from disguises import ACCOUNT, PROXIES, Disguise, disguises, sprayed
from siege import Siege, besieged
from spraying import spray
from wire import JSON, Answer, ask, request

from server import PASSWORD, Server, add_users, install, serving

pytestmark = pytest.mark.slow

HOUR = 3600
BURST, SECONDS_A_GUESS = 10, 90
"""What ``rate_limit.login_per_account = "10/15m"`` says."""

MOST_AT_ONCE = 64
OWNERS_ADDRESS = "192.0.2.200"

Say = Callable[[str], None]


async def test_disguises_give_no_guess_more(tmp_path: Path, full: bool, seed: int, say: Say) -> None:
    """PWD-05, PWD-06, A47, A48: from 100,000 /64s in an hour, fifty guesses; the owner is never refused."""
    tries = 100_000 if full else 3000
    async with besieged(tmp_path) as siege:
        logins = await siege_for_an_hour(siege, tries, Random(seed))

        most = BURST + HOUR // SECONDS_A_GUESS
        say(f"{tries} tries from as many /64s in an hour: {siege.guesses} guesses at the account, at most {most};")
        say(f"answers {dict(siege.statuses)}; its owner logged in {logins} times on a known device, refused 0 times")
        assert most * 0.8 < siege.guesses <= most


async def test_the_count_sees_an_account_without_a_limit(tmp_path: Path, seed: int) -> None:
    """A47: the proof can fail: where only addresses are limited, every /64 brings a guess."""
    async with besieged(tmp_path, rate_limit={"login_per_account": "1000000/1s"}) as siege:
        await siege_for_an_hour(siege, 500, Random(seed))

        assert siege.guesses > 2 * (BURST + HOUR // SECONDS_A_GUESS)


@pytest.mark.parametrize(
    ("network", "bits", "most"),
    [
        pytest.param("198.51.100.7", 0, 5 + 600 // 12, id="an IPv4 address"),
        pytest.param("::ffff:198.51.100.7", 0, 5 + 600 // 12, id="an IPv4 address written as IPv6"),
        pytest.param("2001:db8:1:2::", 64, 5 + 600 // 12, id="a /64"),
        pytest.param("2001:db8:1::", 80, 50 + 600 * 10 // 12, id="a /48"),
    ],
)
async def test_a_network_has_a_limit_whatever_it_writes_into_headers(
    tmp_path: Path, network: str, bits: int, most: int, seed: int
) -> None:
    """PWD-06, A47: over ten thousand accounts, from every address of the network: at most what one is allowed."""
    random, first = Random(seed), ip_address(network)
    async with besieged(tmp_path) as siege:
        for _ in range(60):
            addresses = [str(first + random.getrandbits(bits)) for _ in range(15)]
            await asyncio.gather(*(siege.ask(sprayed(random, address)) for address in addresses))
            siege.world.clock.later(10)

        assert most * 0.8 < siege.hasher.wrong.total() <= most


async def test_a_limit_that_is_used_up_tells_of_no_account(tmp_path: Path) -> None:
    """PWD-04, A46: the refusal comes after as many tries for a name that nobody has, and is the same."""
    answers: dict[str, list[tuple[int, bytes, str | None]]] = {}
    async with besieged(tmp_path) as siege:
        for name in (ACCOUNT, "nobody"):
            for number in range(12):
                answer = await siege.log_in(f"198.51.{number}.{len(name)}", username=name, password="wrong")
                told = (answer.status_code, answer.content, answer.headers.get("retry-after"))
                answers.setdefault(name, []).append(told)

    assert answers[ACCOUNT] == answers["nobody"]
    assert [status for status, _, _ in answers[ACCOUNT]] == [401] * BURST + [429] * 2


def test_two_processes_share_the_limit_of_an_account(tmp_path: Path, seed: int, say: Say) -> None:
    """PWD-06, A47: over HTTP, through trusted proxies, in parallel at two servers: one limit, and the owner gets in."""
    installation = install(
        tmp_path / "guessing",
        KEYTURN_SERVER_TRUSTED_PROXIES=f"127.0.0.1,{PROXIES}",
        KEYTURN_RATE_LIMIT_LOGIN_PER_ACCOUNT="10/15m",
        KEYTURN_RATE_LIMIT_LOGIN_PER_DEVICE="10/15m",
        KEYTURN_RATE_LIMIT_LOGIN_PER_IP="5/1m",
    )
    add_users(installation, ACCOUNT)
    tries, began = 320, monotonic()

    with serving(installation) as one, serving(installation.at_another_port()) as other:
        asyncio.run(guess_at([one, other], tries, Random(seed)))

    most = BURST + int((monotonic() - began) / SECONDS_A_GUESS)
    ((guesses,),) = installation.query("SELECT count(*) FROM audit WHERE reason = 'wrong_password'")
    say(f"{tries} tries over HTTP at two processes: {guesses} guesses, at most {most}")
    assert BURST <= guesses <= most


@pytest.mark.parametrize("per_account", [0, 0.01, 1])
def test_a_spray_is_bounded_by_accounts_and_by_addresses(per_account: float, full: bool, seed: int, say: Say) -> None:
    """A50: an hour of it from 1, from 100 and from 10,000 addresses: guesses let through, and people refused."""
    accounts = 10_000 if full else 500
    addresses = max(1, int(accounts * per_account))

    tally = spray(addresses=addresses, accounts=accounts, random=Random(seed))

    say(f"one hour of spraying {accounts:,} accounts: {tally}")
    assert tally.guesses <= min(addresses * (5 + HOUR // 12), accounts * (BURST + HOUR // SECONDS_A_GUESS))
    assert tally.refused_known == 0
    assert tally.refused_unknown == 0 or per_account == 1


async def guess_at(servers: Sequence[Server], tries: int, random: Random) -> None:
    """Guess in parallel, each time from another /64, and log in as the owner on a known device at each server."""
    device = (await owners_login(servers[0])).json()["device_token"]
    attempts = disguises(random)
    for _ in range(tries // MOST_AT_ONCE):
        burst = [*islice(attempts, MOST_AT_ONCE)]
        await asyncio.gather(*(send(random.choice(servers), each) for each in burst))
        for server in servers:
            assert (await owners_login(server, device_token=device)).status == 200


async def send(server: Server, attempt: Disguise) -> Answer:
    """Send a try as the proxy sends it on: it writes the peer behind what was claimed."""
    kind, *claims = (value for _, value in attempt.headers)
    names = [name.replace("-", "_") for name, _ in attempt.headers[1:]]
    headers = dict(zip(names, claims, strict=True))
    headers["X_Forwarded_For"] = ", ".join(filter(None, (headers.get("X_Forwarded_For"), attempt.peer)))
    return await ask(server.port, request("POST", "/login", attempt.body, kind, **headers))


async def owners_login(server: Server, **fields: str) -> Answer:
    """Log in as the owner of the account does."""
    body = {"username": ACCOUNT, "password": PASSWORD, "client": "native"} | fields
    return await ask(server.port, request("POST", "/login", json.dumps(body).encode(), JSON))


async def siege_for_an_hour(siege: Siege, tries: int, random: Random) -> int:
    """Try in bursts, while the owner logs in between them; return how often."""
    device = (await siege.log_in(OWNERS_ADDRESS)).json()["device_token"]
    attempts, logins, left = disguises(random), 0, tries
    while left > 0:
        burst = list(islice(attempts, min(left, random.randint(1, MOST_AT_ONCE))))
        left -= len(burst)
        await asyncio.gather(*map(siege.ask, burst))
        answer = await siege.log_in(random.choice((OWNERS_ADDRESS, burst[0].peer)), device_token=device)
        assert answer.status_code == 200, f"the owner was refused: {answer.text}"
        logins += 1
        siege.world.clock.later(HOUR * len(burst) / tries)
    return logins
