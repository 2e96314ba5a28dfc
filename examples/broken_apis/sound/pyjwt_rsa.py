"""The same with RS256."""

from broken_apis.issuer import with_rsa
from broken_apis.rightly import verify

__all__ = ["make_issuer", "verify"]

make_issuer = with_rsa
