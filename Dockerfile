# One image for server and worker; the embedded Postgres stays unused when CONECTA_DATABASE_URL is set.
FROM python:3.13-slim-bookworm AS build
WORKDIR /app
COPY pyproject.toml requirements.lock README.md ./
RUN python -m venv .venv \
 && .venv/bin/python -m pip install --no-cache-dir --disable-pip-version-check --require-hashes --no-deps --only-binary :all: -r requirements.lock
COPY src src
RUN .venv/bin/python -m pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation -e .

FROM python:3.13-slim-bookworm
RUN useradd --system --create-home --home-dir /var/lib/conecta conecta
WORKDIR /app
COPY --from=build /app /app
COPY migrations migrations
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    CONECTA_DATA_DIR=/var/lib/conecta/data \
    CONECTA_LOG_FORMAT=json
USER conecta
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/readyz', timeout=2)"]
CMD ["conecta", "serve", "--host", "0.0.0.0", "--no-worker"]
