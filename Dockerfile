# Two stages: everything to build, then only what runs. The final image holds Node, the compiled program and the weights.
FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
# Other platforms' libraries are in the runtime's package; only this one's are kept.
RUN npm run build \
 && npm prune --omit=dev \
 && libraries=node_modules/onnxruntime-node/bin/napi-v6 \
 && platform="$(node -p 'process.platform')" && arch="$(node -p 'process.arch')" \
 && find "$libraries" -mindepth 1 -maxdepth 1 ! -name "$platform" -exec rm -r {} + \
 && find "$libraries/$platform" -mindepth 1 -maxdepth 1 ! -name "$arch" -exec rm -r {} +

FROM node:24-slim
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8080 STORE_DIR=/data/store
# The one folder that is written to; mount a volume here and the root may be read-only.
RUN install --directory --owner=1000 --group=1000 /data
VOLUME /data
WORKDIR /app
COPY --from=build /app/package.json /app/openapi.yaml ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist/platform ./dist/platform
COPY --from=build /app/dist/agents ./dist/agents
COPY --from=build /app/dist/server ./dist/server
COPY --from=build /app/dist/page ./dist/page
COPY --from=build /app/dist/pipeline ./dist/pipeline
COPY --from=build /app/dist/model ./dist/model
COPY --from=build /app/dist/adapters ./dist/adapters
COPY --from=build /app/dist/cli ./dist/cli
COPY page/index.html page/style.css page/icon.svg ./page/
COPY model/artifacts ./model/artifacts
COPY adapters/files ./adapters/files
COPY deploy/probe-rows.jsonl ./deploy/probe-rows.jsonl
USER 1000:1000
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.PORT + '/ready').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "dist/server/main.js"]
