"""Attack an API that takes bearer tokens: forge what a thief would, send it, and judge the answers.

Nothing here trusts the target: it is told apart by statuses alone, its answers are bounded, and nothing that it says
is repeated. Needs the SDK only, so that an API's own tests can use it.
"""
