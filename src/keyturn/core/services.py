"""What every flow is handed: the policy, the store and the few things only the outside can give."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from keyturn.core.denylist import Denylist
from keyturn.core.directory import LocalUsers
from keyturn.core.keyring import Keyring
from keyturn.core.policy import Policy
from keyturn.core.ports import Store, UserDirectory, WaitUntil
from keyturn.tokens.access_token import Claims
from keyturn.tokens.algorithms import Algorithm
from keyturn.tokens.keys import SigningKey
from keyturn.tokens.master_key import MasterKeys


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The collaborators of the flows.

    Attributes:
        users: who may log in; the same object as *local_users* unless an app keeps its own users.
        local_users: our own directory; None where an app keeps its own.
        randomness: returns that many random bytes.
        sign: signs claims, away from the event loop where the algorithm is slow.
        generate_key: makes a signing key, away from the event loop.
        wait_until: sleeps until the wall clock has passed an epoch second.

    """

    policy: Policy
    store: Store
    users: UserDirectory
    local_users: LocalUsers | None
    master_keys: MasterKeys = field(repr=False)
    keyring: Keyring
    denylist: Denylist
    randomness: Callable[[int], bytes]
    sign: Callable[[Claims, SigningKey], Awaitable[str]]
    generate_key: Callable[[Algorithm], Awaitable[SigningKey]]
    wait_until: WaitUntil
