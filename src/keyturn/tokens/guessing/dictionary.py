"""Words and what each costs: words of our trade, always; zxcvbn's lists, where a text needs them (extra ``server``)."""

import math
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from typing import Final

from keyturn.errors import InvalidKey


class Dictionary:
    """Words, each with its bits, found by how they begin."""

    def __init__(self, lists: Iterable[Iterable[str]]) -> None:
        """Take *lists*, each in the order of use; a word counts as in the list where it ranks highest.

        The first words of each are known backwards as well.
        """
        self.bits: dict[str, float] = {}
        self._lengths: dict[str, set[int]] = {}
        for words in lists:
            for rank, word in enumerate(words, start=2):
                bits = _LIST_BITS + math.log2(rank)
                self._add(word, bits)
                if rank < _KNOWN_BACKWARDS and len(word) >= _SHORTEST_BACKWARDS:
                    self._add(word[::-1], bits + _BACKWARDS_BITS)

    def lengths(self, text: str) -> list[int]:
        """Return the length of each word that *text* begins with."""
        possible = [
            *self._lengths.get(text[:1], ()),
            *self._lengths.get(text[:2], ()),
            *self._lengths.get(text[:3], ()),
        ]
        return [length for length in possible if length <= len(text) and text[:length] in self.bits]

    def _add(self, word: str, bits: float) -> None:
        self.bits[word] = min(bits, self.bits.get(word, bits))
        self._lengths.setdefault(word[:_PREFIX], set()).add(len(word))


@cache
def trade_words() -> Dictionary:
    """Return the words that stand in secrets because they are secrets, in a few languages."""
    return Dictionary([_TRADE.split()])


@cache
def all_words() -> Dictionary:
    """Return the words that are used most in English, as names and as passwords, and those of our trade.

    They take some 15 MB once they are loaded.

    Raises:
        InvalidKey: zxcvbn is not installed.

    """
    return Dictionary([_TRADE.split(), *frequency_lists().values()])


def frequency_lists() -> Mapping[str, Iterable[str]]:
    """Return zxcvbn's lists, without the rest of zxcvbn, which would hold them twice."""
    package = find_spec("zxcvbn")
    spec = package and PathFinder.find_spec("frequency_lists", package.submodule_search_locations)
    if not spec or not spec.loader:
        raise InvalidKey(
            "it reads like a text, and the word lists to judge that by are missing: pip install 'keyturn[server]',"
            " or take random bytes"
        )
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    lists: Mapping[str, Iterable[str]] = module.FREQUENCY_LISTS
    return lists


_LIST_BITS: Final = 4.5
_BACKWARDS_BITS: Final = 2.0
_KNOWN_BACKWARDS: Final = 3000
_SHORTEST_BACKWARDS: Final = 4
_PREFIX: Final = 3
_TRADE: Final = """
secret key jwt token password the my is this your for a and to not auth api admin test change me please super very long
secure random string ultra mega production prod dev development use default example change changeme replace access
refresh private public user login session sign signing signature hash hmac sha256 hs256 json web bearer oauth openid
server client service application app website project company node nodejs express django flask fastapi spring java
python javascript php ruby rails laravel angular react vue npm html css sql mysql mongo mongodb postgres redis docker
linux github google amazon aws azure cloud local localhost staging demo sample value env environment config
configuration encryption encrypt decrypt passphrase security generate generated generator length character
characters bits bit 256 512 32 64 must should be at least in of it that no
one never know will have with we you can do so on by an or if
top hidden unknown anything something nobody everybody
hacker hack safe strong complex simple guess crack unbreakable
secreto secreta clave claves palabra llave muy nunca nadie una un el la los las de del que por para con su mi es se
esta este como segredo chave senha muito minha meu uma nao geheim geheimnis schluessel passwort das der die ein mein
ist und nicht cle mot passe tres mon ma le les des une pour est dans pas segreto chiave parola il di per non che
tajny klucz haslo sekret gizli anahtar sifre rahasia kunci saya adalah yang dengan tajne heslo kluc ma
typ alg none iat exp iss sub aud kid kty oct
accesstoken refreshtoken secretkey mysecret jwtsecret supersecret topsecret apikey authtoken keyturn
"""
