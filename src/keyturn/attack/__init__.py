"""Attack an API that takes bearer tokens: forge what a thief would, send it, and judge the answers.

Nothing here trusts the target: it is told apart by statuses and by the shape of its answers, these are bounded, and
nothing that it says is repeated. Needs the SDK only, so that an API's own tests can use it.
"""

from keyturn.attack.target import Account, Target

__all__ = ["Account", "Target"]
