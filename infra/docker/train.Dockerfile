# Every component of the training pipelines runs in this one image; KFP replaces the entry point by its own executor,
# which finds Leeward on PYTHONPATH. Ingest runs in it too, which needs Feast as they do. Build in the repository's root:
# docker build -f infra/docker/train.Dockerfile -t leeward/train-python:0.1.0 .
FROM python:3.11-slim-trixie AS build
RUN pip install --no-cache-dir uv==0.13.8
ENV UV_PROJECT_ENVIRONMENT=/opt/leeward/venv \
    UV_PYTHON_DOWNLOADS=never \
    UV_LINK_MODE=copy \
    UV_COMPILE_BYTECODE=1
WORKDIR /opt/leeward/app
COPY pyproject.toml uv.lock ./
RUN uv sync --frozen --no-dev --no-install-project --extra train
COPY contracts ./contracts
COPY serving ./serving
COPY feature_repo ./feature_repo
COPY pipelines ./pipelines
COPY cli ./cli
RUN /opt/leeward/venv/bin/python -m compileall -q .

FROM python:3.11-slim-trixie
LABEL org.opencontainers.image.title="leeward-train" \
      org.opencontainers.image.description="Trains, evaluates and promotes Leeward's models as Kubeflow pipeline components; takes vectors in" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/leeward /opt/leeward
ENV PATH=/opt/leeward/venv/bin:$PATH \
    PYTHONPATH=/opt/leeward/app \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    MLFLOW_DISABLE_TELEMETRY=true \
    GX_ANALYTICS_ENABLED=false
USER 65532:65532
WORKDIR /opt/leeward/app
ENTRYPOINT ["python", "-c", "from cli.main import app; app(prog_name='leeward')"]
CMD ["--help"]
