"""The authorization server: HTTP, settings, wiring.

::

    from keyturn.server import Settings, create_app
    app = create_app(Settings.load())

An app that keeps its own users hands a `UserDirectory` over, whose two methods return a `User` or None.
"""

from keyturn.core.model import User
from keyturn.core.ports import UserDirectory
from keyturn.server.app import create_app
from keyturn.server.settings import Settings

__all__ = ["Settings", "User", "UserDirectory", "create_app"]
