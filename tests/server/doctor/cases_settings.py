"""For each check of settings: what provokes it, and the nearest thing that does not."""

from doctor_world import ISSUER, identity, settings

from keyturn.server.configuration.problem import Problem
from keyturn.server.doctor.reading import Read

CASES = [
    ("settings-unreadable", Read(unreadable="keyturn.toml is not TOML."), Read()),
    ("settings-refused", Read(problems=(Problem(("issuer",), "no."),)), Read()),
    ("setting-without-effect", Read(concerns=(Problem(("rate_limit.token_per_client",), "no."),)), Read()),
    ("setting-unknown", Read(strangers=("KEYTURN_GRACE: not a setting of ours, ignored.",)), Read()),
    ("issuer-missing", identity(issuer=""), identity()),
    ("issuer-loopback", identity(issuer="http://localhost:8080"), identity()),
    ("issuer-loopback", identity(issuer="https://127.0.0.1"), identity(issuer="https://localhost.example.com")),
    ("audience-missing", identity(access_token={"audience": []}), identity()),
    ("audience-issuer", identity(access_token={"audience": ["a", ISSUER]}), identity()),
    ("audience-development", identity(access_token={"audience": ["my-api"]}), identity()),
    (
        "audience-development",
        identity(access_token={"audience": ["http://localhost:9000"]}),
        identity(access_token={"audience": ["my-api.example"]}),
    ),
    ("master-key-missing", identity(keys={"master_key": ""}), identity()),
    ("issuer-missing", identity(issuer=""), identity("issuer", issuer="")),
    (
        "audience-missing",
        identity(access_token={"audience": []}),
        identity("access_token.audience", access_token={"audience": []}),
    ),
    ("master-key-missing", identity(keys={"master_key": ""}), identity("keys.master_key", keys={"master_key": ""})),
    ("lifetime-short", settings(access_token={"lifetime": "299s"}), settings(access_token={"lifetime": "5m"})),
    ("lifetime-long", settings(access_token={"lifetime": "901s"}), settings(access_token={"lifetime": "15m"})),
    ("session-long", settings(refresh_token={"lifetime": "91d"}), settings(refresh_token={"lifetime": "90d"})),
    ("session-idle-long", settings(refresh_token={"idle": "31d"}), settings(refresh_token={"idle": "30d"})),
    ("grace-off", settings(refresh_token={"grace": "0s"}), settings(refresh_token={"grace": "1ms"})),
    ("grace-long", settings(refresh_token={"grace": "121s"}), settings(refresh_token={"grace": "2m"})),
    ("publish-ahead-short", settings(keys={"publish_ahead": "599s"}), settings(keys={"publish_ahead": "10m"})),
    ("rotation-fast", settings(keys={"rotate_every": "23h"}), settings(keys={"rotate_every": "1d"})),
    ("rotation-slow", settings(keys={"rotate_every": "91d"}), settings(keys={"rotate_every": "90d"})),
    ("algorithm-symmetric", settings(access_token={"algorithm": "HS256"}), settings()),
    ("plain-http", settings(issuer="http://auth.example.com"), settings(issuer="http://localhost:8080")),
    ("http-allowed", settings(danger={"allow_http": True}), settings()),
    (
        "proxies-missing",
        settings(server={"trusted_proxies": []}),
        settings(server={"trusted_proxies": [], "tls_cert": "cert.pem"}),
    ),
    (
        "proxies-missing",
        settings(server={"trusted_proxies": []}),
        settings(issuer="http://localhost:8080", server={"trusted_proxies": []}),
    ),
    (
        "proxies-wide",
        settings(server={"trusted_proxies": ["0.0.0.0/1"]}),
        settings(server={"trusted_proxies": ["10.0.0.0/8", "fc00::/7"]}),
    ),
    (
        "proxies-wide",
        settings(server={"trusted_proxies": ["2000::/3"]}),
        settings(server={"trusted_proxies": ["2a00:1450::/32"]}),
    ),
    (
        "proxies-public",
        settings(server={"trusted_proxies": ["104.16.0.0/13"]}),
        settings(server={"trusted_proxies": ["104.16.0.0/24", "172.16.0.0/12", "0.0.0.0/1"]}),
    ),
    (
        "proxies-public",
        settings(server={"trusted_proxies": ["2a00:1450::/32"]}),
        settings(server={"trusted_proxies": ["2a00:1450::/48", "fd00::/8"]}),
    ),
    ("proxies-public", settings(server={"trusted_proxies": ["104.0.0.0/8"]}), settings()),
    (
        "metrics-wide",
        settings(server={"metrics_from": ["0.0.0.0/2"]}),
        settings(server={"metrics_from": ["10.0.0.0/8"]}),
    ),
    (
        "metrics-wide",
        settings(server={"metrics_from": ["104.16.0.0/13"]}),
        settings(server={"metrics_from": ["104.16.0.9"]}),
    ),
    (
        "redis-plain",
        settings(redis={"url": "redis://cache.example.com"}),
        settings(redis={"url": "rediss://cache.example.com"}),
    ),
    (
        "redis-plain",
        settings(redis={"url": "redis://10.0.0.7"}),
        settings(redis={"url": "redis://127.0.0.1"}),
    ),
    (
        "database-plain",
        settings(database={"url": "postgresql://me:secret@db.example.com/keyturn?sslmode=disable"}),
        settings(database={"url": "postgresql://me:secret@db.example.com/keyturn?sslmode=verify-full"}),
    ),
    (
        "database-plain",
        settings(database={"url": "postgresql://me@10.1.1.1/keyturn?sslmode=disable"}),
        settings(database={"url": "postgresql:///keyturn?host=/run/postgresql&sslmode=disable"}),
    ),
    (
        "database-plain",
        settings(database={"url": "postgresql://me@localhost,db.example.com/keyturn?sslmode=disable"}),
        settings(database={"url": "postgresql://me@localhost,127.0.0.1/keyturn?sslmode=disable"}),
    ),
    (
        "database-unverified",
        settings(database={"url": "postgresql://me@db.example.com/keyturn?sslmode=require"}),
        settings(database={"url": "postgresql://me@localhost/keyturn?sslmode=require"}),
    ),
    (
        "database-unverified",
        settings(database={"url": "postgresql://me@db.example.com/keyturn?sslmode=verify-ca"}),
        settings(database={"url": "postgresql://me@db.example.com/keyturn?sslmode=verify-full"}),
    ),
    (
        "cors-plain",
        settings(server={"cors_origins": ["http://app.example.com"]}),
        settings(server={"cors_origins": ["http://localhost:3000", "https://app.example.com"]}),
    ),
    (
        "cors-loopback",
        settings(server={"cors_origins": ["http://localhost:3000"]}),
        settings(issuer="http://localhost:8080", server={"cors_origins": ["http://localhost:3000"]}),
    ),
    (
        "cors-cross-site",
        settings(server={"cors_origins": ["https://app.example.org"]}),
        settings(server={"cors_origins": ["https://app.example.com", "https://example.com:8443"]}),
    ),
    (
        "cors-cross-site",
        settings(server={"cors_origins": ["http://app.example.com"]}),  # another scheme is another site
        settings(server={"cors_origins": ["https://a.b.example.com"]}),
    ),
    ("password-short", settings(password={"min_length": 14}), settings(password={"min_length": 15})),
    (
        "hash-weak",
        settings(password={"memory_kib": 19456, "time_cost": 1}),
        settings(password={"memory_kib": 7168, "time_cost": 5}),
    ),
    ("registration-open", settings(registration={"mode": "open"}), settings()),
    (
        "limit-address-loose",
        settings(rate_limit={"login_per_ip": "61/1m"}),
        settings(rate_limit={"login_per_ip": "60/1m"}),
    ),
    (
        "limit-address-loose",
        settings(rate_limit={"login_per_ip": "2/1s"}),
        settings(rate_limit={"login_per_ip": "1/1s"}),
    ),
    (
        "limit-account-loose",
        settings(rate_limit={"login_per_account": "101/1d"}),
        settings(rate_limit={"login_per_account": "100/1d"}),
    ),
    (
        "limit-account-loose",
        settings(rate_limit={"login_per_device": "2/1m"}),
        settings(rate_limit={"login_per_device": "100/1h"}),
    ),
    (
        "limit-account-tight",
        settings(rate_limit={"login_per_account": "2/15m"}),
        settings(rate_limit={"login_per_account": "3/15m"}),
    ),
    (
        "limit-refresh-tight",
        settings(rate_limit={"refresh_per_session": "4/1m"}),
        settings(rate_limit={"refresh_per_session": "5/1m"}),
    ),
    ("roles-none", settings(roles={}), settings()),
    ("role-empty", settings(roles={"user": []}), settings()),
    ("log-debug", settings(log={"level": "debug"}), settings()),
]
