# The operator's image: docker build -t REGISTRY/getabako:TAG --build-arg VERSION=TAG .
# `npm run image` makes the same without a container engine; scripts/image/dockerfile.test.ts holds the two together.

FROM node:24-bookworm-slim AS build
WORKDIR /src
# The packages first: they change less often than the sources. scripts/node installs those of the lockfile, Node.js among them.
COPY package.json package-lock.json .npmrc ./
COPY scripts/node scripts/node
RUN scripts/node --version
COPY LICENSE tsconfig.json ./
COPY scripts/build.ts scripts/build.ts
COPY scripts/third-party scripts/third-party
COPY src src
# Source maps stay behind: nothing reads them at run time, and Node.js would need 33 MB more for it.
RUN scripts/node scripts/build.ts \
 && mkdir -p /image/app /image/usr/local/bin /image/usr/share/doc/node /image/usr/share/doc/getabako \
 && find dist -name '*.map' -delete \
 && mv dist/THIRD-PARTY-LICENSES.txt LICENSE /image/usr/share/doc/getabako/ \
 && cp -R dist/. /image/app/ \
 && cp node_modules/node-linux-*/LICENSE /image/usr/share/doc/node/ \
 && cp node_modules/node-linux-*/bin/node /image/usr/local/bin/node \
 && printf '#!/usr/local/bin/node\nimport "/app/getabako.mjs";\n' > /image/usr/local/bin/getabako \
 && chmod 755 /image/usr/local/bin/getabako

# glibc, libstdc++, certificates, a user 65532, and nothing that could be started: no shell, no package manager. Node.js comes from
# the lockfile, so that tests, development and production run the same one; node:24-slim would bring npm and all of Debian's base.
FROM gcr.io/distroless/cc-debian12:nonroot
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="getabako" \
      org.opencontainers.image.description="A Kubernetes operator that gives every queued GitHub Actions job its own ephemeral runner on AWS ECS" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.licenses="MIT"
COPY --from=build /image/ /
ENV PATH=/usr/local/bin:/usr/bin:/bin NODE_ENV=production
USER 65532:65532
WORKDIR /app
EXPOSE 8080 9090
ENTRYPOINT ["/usr/local/bin/node", "/app/getabako.mjs"]
CMD ["run"]
