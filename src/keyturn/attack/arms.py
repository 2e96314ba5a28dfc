"""Makes the material of a case from what was handed over, fresh each time: no token of ours expires amid a run."""

import os
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from keyturn.attack import crafting
from keyturn.attack.canary import Canary
from keyturn.attack.material import Material, Signer, read_token, stranger_for
from keyturn.attack.model import Need, Route
from keyturn.attack.target import Target
from keyturn.tokens import base64url
from keyturn.tokens.keys import SigningKey


class Arms:
    """What there is to make shots of."""

    def __init__(
        self,
        target: Target,
        *,
        clock: Callable[[], float] = time.time,
        draw: Callable[[int], bytes] = os.urandom,
    ) -> None:
        """Take *target*'s token and keys; *clock* gives epoch seconds, *draw* so many random bytes."""
        self._token = target.token or ""
        self._header, self._claims, self._signature = read_token(self._token)
        self._claims = self._claims or dict(target.claims)
        self._public_keys = target.public_keys
        self._clock = clock
        self._draw = draw
        self._dropped = False
        self.signer = target.signer
        self.stranger: SigningKey = stranger_for(self._alg())
        self.canary = Canary()

    @property
    def has_good_token(self) -> bool:
        """Whether there is a token that the target ought to take."""
        return bool(self._token) or self.signer is not None

    def drop_signer(self) -> bool:
        """Go on with the token alone, if there is one, after the target refused what the key signed."""
        dropped = self.signer is not None and bool(self._token)
        if dropped:
            self.signer = None
            self._dropped = True
        return dropped

    def material(self, route: Route) -> Material:
        """Return what a shot at *route* is made of now."""
        good, header, claims, signature = self._good()
        return Material(
            good=good,
            header=header,
            claims=claims,
            signature=signature,
            route=route,
            now=int(self._clock()),
            lifetime=_lifetime(self._claims),
            draw=self._draw,
            stranger=self.stranger,
            signer=self.signer,
            public_keys=self._keys(),
            canary=self.canary.url,
        )

    def lacks(self, need: Need) -> str:
        """Return what is missing for a case that needs *need*, as a sentence; nothing if nothing is."""
        has: Mapping[Need, bool] = {
            Need.TOKEN: self.has_good_token,
            Need.JWT: bool(self._header) or self.signer is not None,
            Need.PUBLIC_KEY: bool(self._header or self.signer) and bool(self._keys()),
            Need.KEY: self.signer is not None,
        }
        if has.get(need, True):
            return ""
        return _WRONG_KEY if need is Need.KEY and self._dropped else _MISSING[need]

    def _good(self) -> tuple[str, Mapping[str, Any], Mapping[str, Any], bytes]:
        if self.signer is None:
            return self._token, self._header, self._claims, self._signature
        header, claims = self._signed_header(self.signer), self._fresh()
        text = crafting.compact(header, claims, self.signer.sign)
        return text, header, claims, base64url.decode(text.rpartition(".")[2])

    def _signed_header(self, signer: Signer) -> dict[str, Any]:
        header = {"typ": "at+jwt", **self._header, "alg": signer.algorithm}
        return header if signer.kid is None else header | {"kid": signer.kid}

    def _fresh(self) -> dict[str, Any]:
        now = int(self._clock())
        name = base64url.encode(self._draw(12))
        return {**_USUAL, **self._claims, "iat": now, "exp": now + _lifetime(self._claims), "jti": name}

    def _keys(self) -> tuple[Mapping[str, Any], ...]:
        own = self.signer.public if self.signer is not None else None
        return self._public_keys or ((own,) if own is not None else ())

    def _alg(self) -> str:
        return self.signer.algorithm if self.signer is not None else str(self._header.get("alg", ""))


def _lifetime(claims: Mapping[str, Any]) -> int:
    """Return the seconds that the handed token lives, where it says so and they are few."""
    begin, end = claims.get("iat"), claims.get("exp")
    said = end - begin if isinstance(begin, int) and isinstance(end, int) else 0
    return said if 0 < said <= _LONGEST_LIFETIME else _USUAL_LIFETIME


_USUAL_LIFETIME: Final = 300
_LONGEST_LIFETIME: Final = 86400

#: What RFC 9068 §2.2 requires beside what the user names.
_USUAL: Final = {"sub": "keyturn-attack", "client_id": "keyturn-attack"}

_WRONG_KEY: Final = "The target refuses what the key signs, so the key was put aside."
_MISSING: Final = {
    Need.TOKEN: "It needs a token that the target takes.",
    Need.JWT: "It needs a token that is a JWT, or the issuer's signing key.",
    Need.PUBLIC_KEY: "It needs the issuer's public keys.",
    Need.KEY: "It needs the issuer's signing key.",
}
