"""The revocation feed that a verifier follows, put together; nothing is fetched yet."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from keyturn.tokens.access_token import Expected
from keyturn.verify.key_source import KeySource
from keyturn.verify.locations import Transport, check_location, revocations_location
from keyturn.verify.revocations import Revocations

if TYPE_CHECKING:
    from keyturn.verify.feed.follower import FeedFollower
    from keyturn.verify.fetch import ClientFactory


def followed_feed(
    revocations: Revocations,
    *,
    keys: KeySource,
    expected: Expected,
    http: "ClientFactory | None",
    transport: Transport,
    clock: Callable[[], float],
) -> "FeedFollower":
    """Return what follows the feed that *revocations* describes.

    Raises:
        ConfigurationError: its URL is unsafe.

    """
    # Threads, futures and logs are a third of what `import keyturn` would take, and not every verifier follows a feed.
    from keyturn.verify.feed.follower import FeedFollower  # noqa: PLC0415
    from keyturn.verify.feed.intake import FeedIntake  # noqa: PLC0415
    from keyturn.verify.feed.pace import Pace  # noqa: PLC0415

    url = revocations.url or revocations_location(expected.issuer)
    intake = FeedIntake(
        keys=keys,
        expected=expected,
        max_age=revocations.max_age,
        max_entries=revocations.max_entries,
        clock=clock,
    )
    return FeedFollower(
        intake,
        url=check_location(url, name="revocations url", transport=transport),
        pace=Pace.of(revocations),
        new_client=http,
    )
