"""Secrets in AWS Secrets Manager: ``awssm:name`` or ``awssm:arn:…``, behind it ``#field`` where the secret is JSON.

Who we are there is found as everywhere with AWS: environment, profile, the role of the container or of the machine.
"""

import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any, Final
from urllib.parse import urlsplit

from keyturn.verify.locations import is_loopback

REFERENCE: Final = "awssm:"

TIMEOUT_SECONDS: Final = 5
ATTEMPTS: Final = 3


def read(reference: str) -> str:
    """Return the secret that *reference* names.

    Raises:
        ValueError: it can't be read; the message says what to do, and holds nothing of the secret.

    """
    name, hash_sign, field = reference.removeprefix(REFERENCE).partition("#")
    if not name or (hash_sign and not field):
        raise ValueError(f"{reference} names no secret; write awssm:name, awssm:name#field or awssm:arn:…")
    if find_spec("boto3") is None:
        raise ValueError(f"{reference} can't be read: boto3 is not installed: pip install 'keyturn[aws]'")
    try:
        text = _secret(name)
        value = _member(text, field) if field else text
    except ValueError as error:
        raise ValueError(f"{reference} can't be read: {error}") from None
    return value


def _secret(name: str) -> str:
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - an extra

    try:
        with _quiet():
            answer = _client(name).get_secret_value(SecretId=name)
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", "unknown"))
        raise ValueError(_REFUSALS.get(code, f"AWS refused it ({code})")) from None
    except BotoCoreError as error:
        kind = type(error).__name__
        raise ValueError(_FAILURES.get(kind, f"AWS could not be asked ({kind})")) from None
    text = str(answer.get("SecretString", "")).strip()
    if not text:
        raise ValueError("the secret is there, and holds no text")
    return text


def _client(name: str) -> Any:  # noqa: ANN401 - made at run time by boto3
    from boto3.session import Session  # noqa: PLC0415 - an extra
    from botocore.config import Config  # noqa: PLC0415 - it comes with boto3

    config = Config(
        connect_timeout=TIMEOUT_SECONDS,
        read_timeout=TIMEOUT_SECONDS,
        retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
    )
    client = Session().client("secretsmanager", region_name=_region(name), config=config)
    endpoint = urlsplit(client.meta.endpoint_url)
    if endpoint.scheme != "https" and not is_loopback(endpoint.hostname or ""):
        raise ValueError("AWS_ENDPOINT_URL is not https://, and secrets would cross a network in the clear")
    return client


def _region(name: str) -> str | None:
    """Return the region that an ARN names, else the one that containers are told; None leaves it to the profile."""
    parts = name.split(":")
    if parts[0] == "arn" and len(parts) > _REGION_OF_ARN:
        return parts[_REGION_OF_ARN]
    return os.environ.get("AWS_REGION")


def _member(text: str, field: str) -> str:
    try:
        members = json.loads(text)
    except ValueError:
        raise ValueError(f"the secret is no JSON, so it has no field {field}; leave out #{field}") from None
    value = members.get(field) if isinstance(members, dict) else None
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"the secret is there, and has no text in a field {field}")
    return value.strip()


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep botocore from logging what it was answered, which it does at the level of debugging."""
    logger = logging.getLogger("botocore")
    level = logger.level
    logger.setLevel(max(logger.getEffectiveLevel(), logging.INFO))
    try:
        yield
    finally:
        logger.setLevel(level)


_REGION_OF_ARN: Final = 3
_REFUSALS: Final = {
    "ResourceNotFoundException": "there is no such secret in this account and region",
    "AccessDeniedException": "AWS refused it; give our role secretsmanager:GetSecretValue on it",
    "DecryptionFailure": "AWS can't decrypt it; give our role kms:Decrypt on its key",
    "UnrecognizedClientException": "AWS does not know our credentials",
    "InvalidClientTokenId": "AWS does not know our credentials",
    "ExpiredTokenException": "our credentials have expired",
    "InvalidRequestException": "AWS does not give it out; it may be marked for deletion",
}
_FAILURES: Final = {
    "NoCredentialsError": "nothing says who we are there; give the container or machine a role",
    "PartialCredentialsError": "one half of our credentials is missing",
    "NoRegionError": "nothing says in which region it is; set AWS_REGION, or name the secret by its ARN",
    "EndpointConnectionError": "AWS can't be reached",
    "ConnectTimeoutError": f"AWS did not answer within {TIMEOUT_SECONDS} seconds",
    "ReadTimeoutError": f"AWS did not answer within {TIMEOUT_SECONDS} seconds",
    "SSLError": "AWS shows no certificate that we trust; AWS_CA_BUNDLE names the file of its authority",
    "ProfileNotFound": "there is no such profile as AWS_PROFILE names",
}
