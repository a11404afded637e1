# The same image for every command: `serve` (the default), `migrate`, `sandbox`, ...
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
WORKDIR /build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
RUN apt-get update && apt-get install --yes --no-install-recommends binutils && pip install pipenv==2026.10.3
COPY Pipfile Pipfile.lock ./
# Exactly the lock's files, told by their hashes, into an environment that has no installer of its own.
RUN pipenv verify \
    && pipenv requirements --hash --exclude-index > requirements.txt \
    && python -m venv --without-pip /app/.venv \
    && pip --python /app/.venv/bin/python install --no-deps --require-hashes --requirement requirements.txt
# Symbols for debuggers are a fifth of what the packages weigh.
RUN find /app/.venv -name '*.so' -exec strip --strip-unneeded {} +
COPY config /app/config
COPY db/migrations /app/db/migrations
COPY registration /app/registration
# The root file system may be read-only, so bytecode is made here; and the clone's umask does not matter.
RUN python -m compileall -q /app/config /app/registration && chmod -R a+rX /app

FROM ${PYTHON_IMAGE}
RUN python -m pip uninstall --yes --root-user-action=ignore setuptools wheel pip
WORKDIR /app
COPY --from=build /app /app
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    REGISTRATION_HOST=0.0.0.0 \
    REGISTRATION_PORT=8000
# A number, so that a platform can see that it is not root.
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s CMD ["python", "-c", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.environ['REGISTRATION_PORT']), timeout=2); c.request('GET', '/health/live'); sys.exit(c.getresponse().status != 200)"]
ENTRYPOINT ["python", "-m", "registration"]
CMD ["serve"]
