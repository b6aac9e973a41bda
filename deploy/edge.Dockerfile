# A box alone: nothing of the park is in it. Context: the repository's root.
FROM python:3.12-slim-bookworm AS build
WORKDIR /build
COPY deploy/uv.lock.txt deploy/
RUN pip install --no-cache-dir --no-deps --require-hashes -r deploy/uv.lock.txt
COPY requirements.lock ./
COPY edge edge
RUN uv venv /opt/hazmon-edge && uv pip install --no-cache --python /opt/hazmon-edge -c requirements.lock "./edge[agent]"

FROM python:3.12-slim-bookworm
RUN useradd --system --uid 10002 --home-dir /var/lib/hazmon-edge --create-home hazmon-edge
COPY --from=build /opt/hazmon-edge /opt/hazmon-edge
ENV PATH=/opt/hazmon-edge/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER hazmon-edge
WORKDIR /var/lib/hazmon-edge
CMD ["hazmon-edge", "run", "/etc/hazmon/E01"]
