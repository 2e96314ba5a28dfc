"""The authorization server: HTTP, settings, wiring.

::

    from keyturn.server import Settings, create_app
    app = create_app(Settings.load())
"""

from keyturn.server.app import create_app
from keyturn.server.settings import Settings

__all__ = ["Settings", "create_app"]
