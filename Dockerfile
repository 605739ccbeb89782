# swapctl as an image. It copies package/, which npm publishes, too:
#
#   npm run build && docker build -t swapctl .
#
# BASE is any image with Node 20.18 or newer; one without apt-get must have nft, nsenter, ss, ssh and tini. A release names it by its
# digest (CONTRIBUTING.md, Releases); the tag below is for builds by hand.
ARG BASE=node:24-trixie-slim
FROM ${BASE}

# nft and nsenter move traffic, ss tells idle connections from busy ones, ssh reaches other engines, tini (as process 1) passes
# signals on and reaps orphans.
RUN if command -v apt-get > /dev/null; then \
      apt-get update \
      && apt-get install -y --no-install-recommends ca-certificates iproute2 nftables openssh-client tini util-linux \
      && rm -rf /var/lib/apt/lists/*; \
    fi \
    && nft --version && /usr/bin/nsenter --version && ss -V && ssh -V && tini --version

COPY package /usr/local/lib/swapctl
RUN mkdir -p /usr/local/bin \
    && ln -s ../lib/swapctl/dist/swapctl.js /usr/local/bin/swapctl \
    && /usr/local/bin/swapctl --version

# Of `watch`, which writes the time into this file; a one-off command ends before anybody asks.
ENV SWAPCTL_HEARTBEAT=/tmp/swapctl-heartbeat PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
  CMD ["sh", "-c", "test $(( $(date +%s) - $(stat -c %Y \"$SWAPCTL_HEARTBEAT\") )) -lt 60"]

# Root, because the engine's socket is root's. Where it is not needed (a socket proxy), run it as anybody: --user node.
ENTRYPOINT ["tini", "--", "swapctl"]
CMD ["--help"]
