FROM python:3.12-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /venv
WORKDIR /source
COPY requirements.lock .
RUN /venv/bin/pip install --require-hashes --requirement requirements.lock
COPY . .
RUN /venv/bin/pip install --no-deps --no-build-isolation .

FROM python:3.12-slim
RUN useradd --system --uid 10001 --home-dir /data --create-home lanekeeper
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    DATA_DIR=/data LOG_FORMAT=json WEB_HOST=0.0.0.0
USER 10001
WORKDIR /data
# Nothing but /data (the embedded Valkey and the simulator, when used) and /tmp is written: fit for a read-only root.
VOLUME /data
EXPOSE 8080 8081
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f'http://127.0.0.1:{os.environ.get(\"WEB_PORT\", 8080)}/healthz', timeout=2)"]
ENTRYPOINT ["lanekeeper"]
CMD ["run"]
