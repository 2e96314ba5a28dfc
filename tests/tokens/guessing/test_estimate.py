"""VER-21, A13: secrets that people think up are refused, in whatever disguise; random ones are not."""

import base64
import hashlib
import subprocess
import sys
from collections.abc import Callable
from random import Random

import pytest

from keyturn.tokens import base64url
from keyturn.tokens.guessing.dictionary import frequency_lists
from keyturn.tokens.guessing.estimate import is_guessable

_SECRETS = [
    "your-256-bit-secret",
    "changeme",
    "supersecretkeythatnobodyknows",
    "Sup3rS3cr3tJwtK3yF0rMyApp1234567",
    "this_is_a_jwt_secret_key_no_one_will_ever_know_this_key",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,",
    "qwertyuiopasdfghjklzxcvbnm123456",
    "abcdefghijklmnopqrstuvwxyz012345",
    "Winter2023!Summer2024!Spring2025!",
    "20230101-20240202-20250303-20260404",
    "Correct Horse Battery Staple, and a rather long tail of words behind it",
    "yekterceserpusym-yekterceserpusym",
    "holaSoyUnaClaveSuperSecretaQueNadieSabe",
    "мой очень секретный ключ для подписи",
    "jwtsecret1234jwtsecret1234jwtsecret1234jwtsecret1234",
    '{"alg":"HS256","typ":"JWT"}{"sub":"1234567890"}',
]

_ENCODINGS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "hexadecimal": lambda data: data.hex().encode(),
    "HEXADECIMAL": lambda data: data.hex().upper().encode(),
    "hexadecimal with colons": lambda data: data.hex(":").encode(),
    "0x": lambda data: b"0x" + data.hex().encode(),
    "base64": base64.b64encode,
    "base64url": lambda data: base64.urlsafe_b64encode(data).rstrip(b"="),
    "base64 in lines": base64.encodebytes,
    "base32": base64.b32encode,
    "base64 of hexadecimal": lambda data: base64.b64encode(data.hex().encode()),
    "base64 of base64": lambda data: base64.b64encode(base64.b64encode(data)),
    "percent": lambda data: "".join(f"%{byte:02x}" for byte in data).encode(),
    "UTF-16": lambda data: data.decode().encode("utf-16"),
    "UTF-32": lambda data: data.decode().encode("utf-32-be"),
    "upper case": lambda data: data.decode().upper().encode(),
    "backwards": lambda data: data[::-1],
    "in quotes": lambda data: b' "' + data + b'"\n',
}

_PADDINGS: dict[str, Callable[[bytes], bytes]] = {
    "zeros": lambda data: data.ljust(40, b"\0"),
    "digits": lambda data: data.ljust(40, b"0"),
    "blanks": lambda data: data.ljust(40),
    "equals": lambda data: data.ljust(40, b"="),
    "in front": lambda data: data.rjust(40, b"x"),
    "PKCS #7": lambda data: data + bytes([40 - len(data)]) * (40 - len(data)),
    "counting": lambda data: data + bytes(range(40 - len(data))),
    "counting digits": lambda data: (data + b"1234567890" * 4)[:40],
    "over and over": lambda data: (data * 40)[:40],
}

_DIGESTS = ["md5", "sha1", "sha256", "sha384", "sha512"]


@pytest.mark.parametrize("encode", _ENCODINGS.values(), ids=_ENCODINGS)
@pytest.mark.parametrize("secret", _SECRETS)
def test_ver_21_no_encoding_hides_what_somebody_thought_up(secret: str, encode: Callable[[bytes], bytes]) -> None:
    """VER-21: words, sequences, dates, ways over the keyboard, by themselves and in one encoding or two."""
    assert is_guessable(encode(secret.encode()))


@pytest.mark.parametrize("pad", _PADDINGS.values(), ids=_PADDINGS)
@pytest.mark.parametrize("secret", ["secret", "changeme", "correcthorsebattery", "hunter2", "Passw0rd!"])
def test_ver_21_no_padding_makes_a_word_a_secret(secret: str, pad: Callable[[bytes], bytes]) -> None:
    """VER-21: whatever a word is filled up with, as bytes and in hexadecimal."""
    assert is_guessable(pad(secret.encode()))
    assert is_guessable(pad(secret.encode()).hex().encode())


@pytest.mark.parametrize("name", _DIGESTS)
@pytest.mark.parametrize("word", [b"secret", b"changeme", b"password", b"keyturn", b"your-256-bit-secret"])
def test_ver_21_a_digest_of_an_example_is_known(word: bytes, name: str) -> None:
    """VER-21: as bytes, in hexadecimal of either case, and in base64."""
    digest = hashlib.new(name, word).digest()
    for form in (digest, digest.hex().encode(), digest.hex().upper().encode(), base64.b64encode(digest)):
        assert is_guessable(form)


@pytest.mark.parametrize(
    "example",
    [
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
        "hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg",
    ],
)
def test_ver_21_the_secrets_of_the_standards_are_known(example: str) -> None:
    """VER-21: RFC 7515 A.1 and RFC 7520 §3.5, as bytes and as text; with one bit changed they would pass."""
    secret = base64url.decode(example)
    assert is_guessable(secret)
    assert is_guessable(example.encode())
    assert not is_guessable(bytes([secret[0] ^ 1]) + secret[1:])


@pytest.mark.parametrize("joint", ["", "-", "_", " ", "."])
def test_ver_21_words_in_a_row_are_refused_however_many(joint: str) -> None:
    """VER-21: phrases of 4 to 20 words of zxcvbn's lists, in three cases; a phrase can be read somewhere."""
    source = Random(21)
    words = [word for word in list(frequency_lists()["english_wikipedia"])[:20000] if len(word) > 3]
    for count in (5, 6, 8, 12, 20):
        chosen = [source.choice(words) for _ in range(count)]
        for spell in (str.lower, str.title, str.upper):
            phrase = joint.join(map(spell, chosen))
            assert is_guessable(phrase.encode()), phrase


def test_ver_21_random_bytes_with_a_short_name_in_front_are_taken() -> None:
    """What marks a secret, such as a prefix, does not spoil it."""
    for prefix in (b"sk_live_", b"ktr_", b"key-"):
        assert not is_guessable(prefix + base64.b64encode(Random(3).randbytes(32)))


def test_random_bytes_need_no_word_lists() -> None:
    """P10, P13: a server with a random master key, and an SDK without zxcvbn, never load the lists."""
    code = (
        "import random, sys; from keyturn.tokens.guessing import dictionary, estimate\n"
        "for seed in range(300): assert not estimate.is_guessable(random.Random(seed).randbytes(32))\n"
        "assert not dictionary.all_words.cache_info().currsize and 'zxcvbn' not in sys.modules"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr


def test_ver_21_a_text_that_cannot_be_judged_is_refused() -> None:
    """VER-21: without zxcvbn what reads like words is no secret, and the reason says what to install."""
    code = (
        "import sys\n"
        "class Block:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] == 'zxcvbn': raise ModuleNotFoundError(name)\n"
        "import importlib.util; real = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *rest: None if name == 'zxcvbn' else real(name, *rest)\n"
        "from keyturn.errors import InvalidKey; from keyturn.tokens import hmac_secret\n"
        "try: hmac_secret.check(b'evenings under mulberry branches 7', min_length=32)\n"
        "except InvalidKey as refusal: print(refusal.reason)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert "pip install 'keyturn[server]'" in ran.stdout, ran.stderr
    assert "mulberry" not in ran.stdout


def test_ver_21_judging_is_bounded() -> None:
    """A secret of a megabyte is judged by its first kilobyte, in well under a second."""
    source = Random(5)
    long = base64.b64encode(source.randbytes(750_000))
    assert not is_guessable(long)
    assert is_guessable(b"secret" * 200_000)


@pytest.mark.parametrize(
    "secret",
    [
        pytest.param(b"f28d9b8bde89dd90463748476d725c2c", id="hexadecimal of bytes that happen to be UTF-8"),
        pytest.param(b"126b23364620703a43732b3d73622b11", id="hexadecimal of bytes that are nearly a text"),
        pytest.param(b"28273c6060ed927638b9330e61df88a4", id="hexadecimal of bytes that begin as a quotation does"),
        pytest.param(
            bytes.fromhex(
                "7edc35e244a18ccb378474397f6d35e6cba137b344adf7174b0ddba1d1d6517a"
                "24e12474bab7be6a8bda88e0c58858edf385e1c48cd325a8b57f93bc594c5b0d"
            ),
            id="bytes whose base64 has something like words",
        ),
        pytest.param(b"04192109-0236-45a0-a77c-53a7e519306d", id="a UUID with something like a date"),
    ],
)
def test_ver_21_random_secrets_that_look_like_something_are_taken(secret: bytes) -> None:
    """VER-21: drawn at random, and once refused: what chance brings about in a hundred thousand is no pattern."""
    assert not is_guessable(secret)
