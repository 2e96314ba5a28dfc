"""``redis.url``: three forms, and a password that nobody sees."""

import pytest

from keyturn.errors import ConfigurationError
from keyturn.store.redis.location import Location, Topology, parse_location


@pytest.mark.parametrize(
    ("url", "location"),
    [
        ("redis://cache", Location(topology=Topology.SINGLE, tls=False, hosts=(("cache", 6379),))),
        ("valkey://cache/", Location(topology=Topology.SINGLE, tls=False, hosts=(("cache", 6379),))),
        ("rediss://[::1]:6380/7", Location(topology=Topology.SINGLE, tls=True, hosts=(("::1", 6380),), db=7)),
        (
            "redis://me:p%40ss%2Fword@10.0.0.1:1/2",
            Location(
                topology=Topology.SINGLE,
                tls=False,
                hosts=(("10.0.0.1", 1),),
                db=2,
                username="me",
                password="p@ss/word",
            ),
        ),
        (
            "redis+sentinel://:pw@a:1,b/service/3",
            Location(
                topology=Topology.SENTINEL,
                tls=False,
                hosts=(("a", 1), ("b", 26379)),
                service="service",
                db=3,
                password="pw",
            ),
        ),
        (
            "valkeys+cluster://a,b:2/0",
            Location(topology=Topology.CLUSTER, tls=True, hosts=(("a", 6379), ("b", 2))),
        ),
    ],
)
def test_each_form_is_read(url: str, location: Location) -> None:
    """One server, Sentinels, a Cluster; Redis or Valkey; with TLS or without."""
    assert parse_location(url) == location


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://:hunter2@cache", "it must start with redis://"),
        ("redis:/cache", "it must start with redis://"),
        ("redis://", "it must start with redis://"),
        ("redis://:hunter2@", "it must start with redis://"),
        ("redis://:hunter2@cache?db=1", "it must start with redis://"),
        ("redis://:hunter2@a,b", "several hosts are for"),
        ("redis://:hunter2@cache:0", "a port is a number from 1 to 65535"),
        ("redis://:hunter2@cache:65536", "a port is a number from 1 to 65535"),
        ("redis://:hunter2@cache:port", "a host is a name or an address"),
        ("redis://:hunter2@::1", "a host is a name or an address"),
        ("redis://:hunter2@cache/one", "behind the hosts comes at most the number of a database"),
        ("redis://:hun/ter2@cache", "behind the hosts comes at most the number of a database"),
        ("redis+sentinel://:hunter2@a,b", "behind the Sentinels comes the service"),
        ("redis+cluster://:hunter2@a/1", "a Cluster has only database 0"),
    ],
)
def test_another_form_is_refused_without_the_password(url: str, why: str) -> None:
    """OPS-03: the message names the setting and what may be written, and repeats nothing of the URL."""
    with pytest.raises(ConfigurationError) as refused:
        parse_location(url)

    assert str(refused.value).startswith("redis.url: ")
    assert why in str(refused.value)
    assert "hun" not in str(refused.value)


def test_a_location_does_not_show_its_password() -> None:
    """OPS-03: neither it nor the user's name."""
    shown = repr(parse_location("redis://me:hunter2@cache"))

    assert "hunter2" not in shown
    assert "'me'" not in shown
