# Rangehand with its pinned Ansible. Content and state are volumes, see docker-compose.yml.
FROM rust:1-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked --bin rangehand

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends bubblewrap ca-certificates openssh-client python3 python3-venv \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --create-home --shell /usr/sbin/nologin rangehand \
    && install -d -o rangehand -g rangehand -m 0700 /var/lib/rangehand /home/rangehand/.ssh

WORKDIR /opt/rangehand
COPY requirements.txt requirements.yml ./
RUN python3 -m venv .venv \
    && .venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.txt \
    && .venv/bin/ansible-galaxy collection install -r requirements.yml -p /opt/rangehand/collections
COPY playbooks playbooks
COPY inventory inventory
COPY --from=build /src/target/release/rangehand /usr/local/bin/rangehand

ENV HOST=0.0.0.0 \
    PORT=8000 \
    PROJECT_ROOT_DIR=/opt/rangehand \
    ANSIBLE_COLLECTIONS_PATH=/opt/rangehand/collections \
    RANGEHAND__ANSIBLE__BIN_DIR=/opt/rangehand/.venv/bin \
    RANGEHAND__PATHS__STATE=/var/lib/rangehand
USER rangehand
VOLUME /var/lib/rangehand
EXPOSE 8000
# Past any proxy of the environment.
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s \
    CMD [".venv/bin/python", "-c", "import os, urllib.request as u; u.build_opener(u.ProxyHandler({})).open('http://127.0.0.1:' + os.environ['PORT'] + '/healthz', timeout=4)"]
# Process 1 restarts the service when it is killed, without ending the container and the runs in it.
ENTRYPOINT ["rangehand", "init"]
CMD ["serve"]
