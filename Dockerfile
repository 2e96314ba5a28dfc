# The authorization server as a container: multi-stage, no compiler in the result, no root.
#
#   docker build -t keyturn .
#
# Settings come from the environment or a file that KEYTURN_CONFIG names; docs/operations.md says which ones it needs.

FROM python:3.13-slim AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1

WORKDIR /src
COPY requirements/build.txt requirements/image.txt requirements/

# Every package is pinned and hashed, and is a wheel: nothing is compiled, and no build script of a stranger runs.
RUN python -m venv /opt/build \
    && /opt/build/bin/pip install --require-hashes --only-binary :all: -r requirements/build.txt \
    && python -m venv --without-pip /opt/keyturn \
    && pip --python /opt/keyturn/bin/python install --require-hashes --only-binary :all: -r requirements/image.txt

COPY pyproject.toml README.md LICENSE ./
COPY src/ src/
RUN /opt/build/bin/pip wheel --no-build-isolation --no-deps --wheel-dir /dist . \
    && pip --python /opt/keyturn/bin/python install --no-index --no-deps /dist/*.whl


FROM python:3.13-slim

# The number is fixed, so that volumes and Kubernetes can name it. Both folders are the user's own alone.
RUN groupadd --gid 10001 keyturn \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/keyturn --shell /usr/sbin/nologin keyturn \
    && install --directory --owner 10001 --group 10001 --mode 0700 /etc/keyturn /var/lib/keyturn

COPY --from=build /opt/keyturn /opt/keyturn

# A server that listens beyond its container says in its settings who ends TLS, or does not start.
ENV PATH=/opt/keyturn/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    KEYTURN_SERVER_HOST=0.0.0.0

# SQLite, where no other database is named, is in .keyturn/ below; a volume on this folder keeps it.
WORKDIR /var/lib/keyturn
USER 10001:10001
EXPOSE 8080
STOPSIGNAL SIGTERM

# For plain HTTP on port 8080 and an issuer without a path; with other settings write your own.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/healthz', timeout=3)"]

ENTRYPOINT ["keyturn"]
CMD ["serve"]
