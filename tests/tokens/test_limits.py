"""The limits of tokens, as the guides and the contract state them: a test that imports a limit would follow it."""

from keyturn.tokens import (
    access_token,
    device_token,
    jwk,
    jws,
    jws_header,
    key_set,
    master_key,
    opaque_token,
    refresh_token,
    revocation_digest,
    revocation_feed,
    strict_json,
)


def test_a_token_is_bounded() -> None:
    """VER-03, VER-25: 8 KiB, of which the header has 1; a life of an hour, a leeway of a minute, JSON of 16 levels."""
    assert (jws.MAX_TOKEN_BYTES, jws_header.MAX_HEADER_BYTES, jwk.MAX_KID_LENGTH) == (8192, 1024, 128)
    assert (access_token.MAX_LIFETIME, access_token.MAX_LEEWAY) == (3600, 60)
    assert (strict_json.MAX_DEPTH, key_set.MAX_KEYS) == (16, 100)


def test_an_opaque_token_has_one_layout() -> None:
    """Contract §3: tokens that are out are read by the next release too."""
    assert (opaque_token.VERSION, opaque_token.KEY_ID_BYTES, opaque_token.MAC_BYTES) == (b"\x01", 4, 32)
    assert (refresh_token.HANDLE_BYTES, refresh_token.MAX_GENERATION) == (16, 4_294_967_295)
    assert (device_token.DEVICE_ID_BYTES, device_token.ACCOUNT_BYTES) == (16, 16)
    assert (master_key.MASTER_KEY_BYTES, master_key.NONCE_BYTES) == (32, 12)


def test_a_page_of_the_feed_is_bounded() -> None:
    """Contract §5: ten thousand entries, four MiB, digests of sixteen bytes."""
    assert (revocation_feed.MAX_ENTRIES, revocation_feed.MAX_PAGE_BYTES) == (10_000, 4_194_304)
    assert revocation_digest.DIGEST_BYTES == 16


def test_what_only_a_private_key_has_is_known() -> None:
    """KEY-01: RFC 7518 §6.2.2 and §6.3.2, RFC 8037 §2."""
    assert sorted(jwk.PRIVATE_MEMBERS) == ["d", "dp", "dq", "oth", "p", "q", "qi"]
