"""TLS at our own port: TLS 1.2 and newer, the cipher suites that Python takes to be good."""

import ssl


def load(certificate: str, key: str) -> ssl.SSLContext:
    """Return the context of a server that proves itself by these two PEM files.

    Raises:
        ValueError: one can't be read, or the two do not belong together; says which and what to do.

    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except ssl.SSLError as error:
        raise ValueError(f"{certificate} and {key} are no PEM certificate and its key ({_named(error)})") from None
    except OSError as error:
        raise ValueError(f"{certificate} or {key} can't be read: {error.strerror}") from None
    return context


def _named(error: ssl.SSLError) -> str:
    return (error.reason or "unknown").replace("_", " ").lower()


def _no_password() -> str:
    """Keep OpenSSL from asking on the terminal: an empty password is a wrong one."""
    return ""
