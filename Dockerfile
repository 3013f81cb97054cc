# Plain instructions that docker, podman and buildah all know.
# Debian's own Node 20: its security team patches it.
FROM debian:trixie-slim AS builder
# Both are for machines that reach the network through a certificate or mirror of their own; empty otherwise.
ARG APT_CONFIG
ARG NODE_EXTRA_CA_CERTS
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ca-certificates nodejs npm \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
# Packages first: a change of sources does not install them again.
COPY package.json package-lock.json ./
COPY patches ./patches
RUN npm ci --include=dev --no-audit --no-fund --loglevel=error
COPY . .
RUN npm run build \
 && npm prune --omit=dev --ignore-scripts --no-audit --no-fund --loglevel=error \
 && node scripts/setup/prune-native.mjs node_modules

FROM debian:trixie-slim
ARG APT_CONFIG
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends nodejs \
 && apt-get clean && rm -rf /var/lib/apt/lists/* /var/cache/debconf/* /var/log/*.log /var/log/apt \
 && install -d -o 10001 -g 10001 -m 0700 /data
WORKDIR /app
COPY package.json LICENSE ./
COPY --from=builder /src/node_modules ./node_modules
COPY --from=builder /src/dist ./dist
# `docker exec <container> lanying doctor`, or `docker run --rm -v lanying:/data lanying lanying verify` beside a stopped one.
RUN ln -s /app/dist/server/cli.js /usr/local/bin/lanying
# The port inside stays 8080 whatever port the origin names: that one is the host's.
ENV NODE_ENV=production LANYING_BIND=0.0.0.0 LANYING_PORT=8080 LANYING_DATA=/data
USER 10001:10001
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:'+process.env.LANYING_PORT+'/healthz').then(r=>process.exit(r.ok?0:1),()=>process.exit(1))"]
CMD ["node", "dist/server/main.js"]
