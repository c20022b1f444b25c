# The node agent. Build in the repository's root: docker build -f infra/docker/agent.Dockerfile -t leeward/agent:0.1.0 .
FROM python:3.11-slim-trixie AS build
RUN apt-get update \
    && apt-get install --yes --no-install-recommends gcc libc6-dev \
    && rm -rf /var/lib/apt/lists/*
RUN pip install --no-cache-dir uv==0.13.8
ENV UV_PROJECT_ENVIRONMENT=/opt/leeward/venv \
    UV_PYTHON_DOWNLOADS=never \
    UV_LINK_MODE=copy \
    UV_COMPILE_BYTECODE=1
WORKDIR /opt/leeward/app
COPY pyproject.toml uv.lock ./
RUN uv sync --frozen --no-dev --no-install-project --extra agent
COPY contracts ./contracts
COPY serving ./serving
COPY agent ./agent
COPY cli ./cli
RUN /opt/leeward/venv/bin/python agent/sources/perf_build.py \
    && /opt/leeward/venv/bin/python -m compileall -q .

FROM python:3.11-slim-trixie
LABEL org.opencontainers.image.title="leeward-agent" \
      org.opencontainers.image.description="Reads hardware counters of a Sapphire Rapids node and publishes its NodeState" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/leeward /opt/leeward
ENV PATH=/opt/leeward/venv/bin:$PATH \
    PYTHONPATH=/opt/leeward/app \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    OPENBLAS_NUM_THREADS=1
# Outside a cluster; the DaemonSet runs it as uid 0 with CAP_PERFMON alone, and says why.
USER 65532:65532
WORKDIR /opt/leeward/app
ENTRYPOINT ["python", "-c", "from cli.main import app; app(prog_name='leeward')"]
CMD ["agent", "run"]
