# One image for every process of ours; docker-compose.yml says which one a container runs.
# Not yet run on an engine: see docs/containers.md.

FROM python:3.11-slim-bookworm AS installed
COPY requirements/containers.txt /containers.txt
RUN python -m venv /opt/exchange \
 && /opt/exchange/bin/pip install --no-cache-dir --require-hashes -r /containers.txt

FROM python:3.11-slim-bookworm
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin exchange
COPY --from=installed /opt/exchange /opt/exchange
WORKDIR /app
COPY contracts contracts
COPY shared shared
COPY services services
COPY infra infra
ENV PATH=/opt/exchange/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER exchange
ENTRYPOINT ["python", "-m", "infra.containers"]
CMD ["--help"]
