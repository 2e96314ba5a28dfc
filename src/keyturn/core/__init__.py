"""The rules: login, refresh, logout, revocation, keys, limits. No HTTP, no SQL, no clock, no environment.

A flow is an async function ``flow(services, request, *, now_ms)`` that raises a `KeyturnError` or returns a
value. The decision inside it is a pure function (`refresh.judge`, `keys.plan_rotation`, `ratelimit.charge`).
"""
