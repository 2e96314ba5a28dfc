"""The SDK: verify an access token, keep the issuer's keys, ask what is revoked. The adapters translate this room."""
