"""Files that a test writes where it runs."""

from pathlib import Path


def write(name: str, text: str, mode: int = 0o600) -> Path:
    """Write a file here."""
    path = Path(name)
    path.write_text(text)
    path.chmod(mode)
    return path
