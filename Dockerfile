# One image for every node; `command` in docker-compose.yml says which one runs.
# No build step: Node runs the TypeScript sources. The image brings Node, so npm's copy of it stays out.
FROM node:24-bookworm-slim

WORKDIR /app
ENV NODE_ENV=production

# Dependencies first: they change less often than the sources.
COPY package.json package-lock.json .npmrc ./
COPY packages/common/package.json packages/common/
COPY packages/scscf/package.json packages/scscf/
COPY packages/pcscf/package.json packages/pcscf/
COPY packages/ue/package.json packages/ue/
COPY packages/lab/package.json packages/lab/
RUN npm ci --omit=dev && rm -rf node_modules/node-linux-* && npm cache clean --force

COPY packages packages
COPY LICENSE README.md ./
# New volumes mounted here belong to the user below.
RUN ln -s /app/packages/lab/src/cli/main.ts /usr/local/bin/imslab \
 && install -d -o node -g node /var/lib/ims-lab /var/lib/ims-lab-state

USER node
CMD ["node", "packages/lab/src/main.ts"]
