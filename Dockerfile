# One image for worker, starter and sandbox; the command chooses. No shell is needed at run time.
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked -p worker -p starter -p sandbox --features worker/s3,starter/s3 \
    && install -D -t /out target/release/worker target/release/starter target/release/sandbox \
    # Temporal's own command line runs it as "temporal sun".
    && ln -s starter /out/temporal-sun

FROM debian:bookworm-slim
# The roots that TLS to Temporal and to the shop's systems is checked against.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --no-create-home sunflow \
    && install -d -o sunflow -g sunflow /data
COPY --from=build /out/ /usr/local/bin/
USER 10001:10001
WORKDIR /data
# Drains for as long as SUN_GRACE_PERIOD says: give the container a little longer before it is killed.
STOPSIGNAL SIGTERM
CMD ["worker"]
