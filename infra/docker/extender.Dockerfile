# The scheduler extender, and the model server. Build in the repository's root:
# docker build -f infra/docker/extender.Dockerfile -t leeward/extender:0.1.0 .
FROM python:3.11-slim-trixie AS build
RUN pip install --no-cache-dir uv==0.13.8
ENV UV_PROJECT_ENVIRONMENT=/opt/leeward/venv \
    UV_PYTHON_DOWNLOADS=never \
    UV_LINK_MODE=copy \
    UV_COMPILE_BYTECODE=1
WORKDIR /opt/leeward/app
COPY pyproject.toml uv.lock ./
RUN uv sync --frozen --no-dev --no-install-project --extra extender
COPY contracts ./contracts
COPY serving ./serving
COPY scheduler_extender ./scheduler_extender
COPY cli ./cli
RUN /opt/leeward/venv/bin/python -m compileall -q .

FROM python:3.11-slim-trixie
LABEL org.opencontainers.image.title="leeward-extender" \
      org.opencontainers.image.description="Answers kube-scheduler's extender calls from NodeStates and predicted slowdowns; hands models out" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/leeward /opt/leeward
ENV PATH=/opt/leeward/venv/bin:$PATH \
    PYTHONPATH=/opt/leeward/app \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 65532:65532
WORKDIR /opt/leeward/app
EXPOSE 8888
ENTRYPOINT ["python", "-c", "from cli.main import app; app(prog_name='leeward')"]
CMD ["extender", "serve", "--port", "8888", "--state", "/var/lib/leeward"]
