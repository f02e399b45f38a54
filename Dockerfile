# streamlab as one program in a small image: docker build -t streamlab:local .
FROM denoland/deno:debian-2.9.6 AS build
WORKDIR /streamlab
COPY . .
# "true": the program can export metrics and traces by OpenTelemetry's protocol.
ARG OTEL_DENO=false
RUN deno task build
# DuckDB's library is unpacked here, so that the program needs no writable cache.
RUN XDG_CACHE_HOME=/cache dist/streamlab query --source . "select 1"

# --target spark: beside Spark, for consume --engine spark (compose.spark.yaml).
FROM apache/spark:4.1.4-python3 AS spark
COPY --from=build /streamlab/dist/streamlab /usr/local/bin/streamlab
COPY --from=build --chown=185:185 /cache /cache
ENV XDG_CACHE_HOME=/cache SPARK_HOME=/opt/spark
ENTRYPOINT ["/usr/local/bin/streamlab"]

# glibc, libstdc++ and certificates; no shell.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /streamlab/dist/streamlab /usr/local/bin/streamlab
# Writable by the user that the image runs as: query keeps fetched objects there, too.
COPY --from=build --chown=65532:65532 /cache /cache
ENV XDG_CACHE_HOME=/cache
ENTRYPOINT ["/usr/local/bin/streamlab"]
