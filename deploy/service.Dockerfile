# The park service with its page. Context: the repository's root.
FROM python:3.12-slim-bookworm AS build
WORKDIR /build
COPY deploy/uv.lock.txt deploy/
RUN pip install --no-cache-dir --no-deps --require-hashes -r deploy/uv.lock.txt
COPY requirements.lock pyproject.toml hatch_build.py README.md ./
COPY edge edge
COPY src src
RUN uv venv /opt/hazmon && uv pip install --no-cache --python /opt/hazmon --no-sources -c requirements.lock ./edge .

FROM python:3.12-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /var/lib/hazmon --create-home hazmon
COPY --from=build /opt/hazmon /opt/hazmon
ENV PATH=/opt/hazmon/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER hazmon
WORKDIR /var/lib/hazmon
EXPOSE 8080
CMD ["hazmon", "serve", "--config", "/etc/hazmon", "--host", "0.0.0.0"]
