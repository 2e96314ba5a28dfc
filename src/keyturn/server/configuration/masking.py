"""Hiding who logs in, and with which password, in a URL that is shown."""

import re
from typing import Final

MASK: Final = "********"


def mask_url(text: str) -> str:
    """Return *text* with a mask in place of the user information of a URL, and of a password in its query.

    A password may hold any character, so that everything up to the last ``@`` goes. A file's path is left alone.

    >>> mask_url("redis+sentinel://me:p@ss/w@a:1,b:2/service/0")
    'redis+sentinel://********@a:1,b:2/service/0'
    >>> mask_url("postgresql:///keyturn?user=me&password=secret&sslmode=require")
    'postgresql:///keyturn?user=me&password=********&sslmode=require'
    >>> mask_url("sqlite:////srv/me@home/keyturn.db")
    'sqlite:////srv/me@home/keyturn.db'
    """
    return _PARAMETER.sub(rf"\g<1>{MASK}", _USER.sub(rf"\g<1>{MASK}@", text))


_USER: Final = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*://(?!/)).*@", re.DOTALL)
_PARAMETER: Final = re.compile(r"([?&][^=&#]*password[^=&#]*=)[^&#]*", re.IGNORECASE)
