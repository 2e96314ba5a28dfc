"""Secrets that everybody has read: examples of standards, of documentations and of tutorials, ours included.

Each is known also as its digest, since a digest of a word is guessed by whoever guesses the word.
"""

import hashlib
from functools import cache
from typing import Final

from keyturn.tokens import base64url


def is_known(data: bytes) -> bool:
    """Say whether *data* is an example that was printed somewhere, in any case, or the digest of one."""
    stripped = data.strip()
    if not _EXAMPLES.isdisjoint((data, stripped, stripped.lower())):
        return True
    return data in _octets() or data in _digests(len(data))


@cache
def _octets() -> frozenset[bytes]:
    return frozenset((*map(base64url.decode, _ENCODED.split()), *map(bytes.fromhex, _HEX.split())))


@cache
def _digests(length: int) -> frozenset[bytes]:
    """Return the digests of so many bytes."""
    names = _DIGESTS.get(length, ())
    return frozenset(hashlib.new(name, each, usedforsecurity=False).digest() for name in names for each in _EXAMPLES)


_DIGESTS: Final = {
    16: ("md5",),
    20: ("sha1",),
    28: ("sha224",),
    32: ("sha256", "sha3_256", "blake2s"),
    48: ("sha384",),
    64: ("sha512", "sha3_512", "blake2b"),
}

# RFC 7515 A.1 (and RFC 7517 A.3), RFC 7516 A.3, RFC 7520 §3.5, §5.6, §5.7 and §5.8.
_ENCODED: Final = """
AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow
GawgguFyGrWKav7AX4VKUg
hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg XctOhJAkA-pD9Lh7ZgW_2A
qC57l_uxcm7Nm3K-ct4GFjx8tM1U8CZ0NLBvdQstiS8 GZy6sIZ6wl9NJOKB-jnmVQ
"""

# The secrets of FastAPI's tutorial on JWT and of a tutorial on Spring Security that thousands of projects copied.
_HEX: Final = """
09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7
404e635266556a586e3272357538782f413f4428472b4b6250645367566b5970
"""

_EXAMPLES: Final = frozenset(
    example.encode()
    for example in """
secret|secretkey|secret_key|secret-key|mysecret|my_secret|my-secret|mysecretkey|my_secret_key|my-secret-key
supersecret|super_secret|super-secret|supersecretkey|super_secret_key|super-secret-key|topsecret|top_secret|top-secret
your-256-bit-secret|your-384-bit-secret|your-512-bit-secret|your_secret_key|your-secret-key|your_jwt_secret
your-jwt-secret|yoursecret|yoursecretkey|a-string-secret-at-least-256-bits-long|a-valid-string-secret-that-is-at-least-512-bits-long-which-is-very-long
jwt|jwt_secret|jwt-secret|jwtsecret|jwt_secret_key|jwt-secret-key|jwtsecretkey|jwt_key|jwtkey|jwt_token|token
changeme|change_me|change-me|changeit|change-this|changethis|change_this|replaceme|replace-me|replace_me
please-change-me|pleasechangeme|please_change_me|change-me-in-production|changemeinproduction|default|example|sample
password|passw0rd|p@ssw0rd|p@ssword|password1|password123|passphrase|admin|administrator|root|toor|test|test123|testing
testkey|test-key|test_key|test-secret|test_secret|testsecret|dev|development|devsecret|dev-secret|dev_secret|demo
development-secret|local|localhost|staging|production|prod|key|key1|mykey|my-key|my_key|privatekey|private_key
private-key|masterkey|master_key|master-key|master|signingkey|signing_key|signing-key|hmac|hs256|hs512|auth|authsecret
auth_secret|auth-secret|api|apikey|api_key|api-key|apisecret|api_secret|api-secret|appsecret|app_secret|app-secret|app
access|access_secret|access-secret|access_token_secret|accesstokensecret|refresh|refresh_secret|refresh-secret
refresh_token_secret|refreshtokensecret|session|session_secret|session-secret|sessionsecret|cookie_secret|cookiesecret
keyboard cat|keyboardcat|shhhhh|shhhhhhared-secret|shhhh|ssh|s3cr3t|s3cret|secr3t|sekret|geheim|geheimnis
secreto|segreto|clave|clavesecreta|contraseña|motdepasse|senha|hunter2|letmein|welcome|iloveyou|qwerty|qwertyuiop|abc123|abcd1234|foobar
foo|bar|baz|foobarbaz|hello|helloworld|hello world|hello-world|none|null|undefined|nil|true|false|todo|fixme|xxx|string
user|username|guest|oauth|oauth2|openid|keycloak|django|django-insecure|flask|fastapi|spring|express|node|nodejs|laravel
symfony|rails|gizlianahtar|thisisasecret|this-is-a-secret|this is a secret|thisismysecret|this-is-my-secret
this_is_my_secret|this is my secret|thisisasecretkey|this-is-a-secret-key|thisismysecretkey|the-secret|thesecret
somesecret|some-secret|some_secret|some-secret-key|somesecretkey|any-secret|mysupersecret|mysupersecretkey|my-super-secret|my_super_secret
my-super-secret-key|my_super_secret_key|verysecret|very-secret|very_secret|verysecretkey|very-secret-key|keyturn
keyturn-secret|keyturn_secret|1|12|123|1234|12345|123456|1234567|12345678|123456789|1234567890|0|00000000|11111111|a|x
""".replace("\n", "|").split("|")
)
