#!/bin/sh
# Runs as root while the image is built. Options come in capitals (containers.dev, Features); the user exists already.
# More than the registry's name (issuer, client_id, ca_file, …): put a config.toml of your own beside this file, and
# install -D -m 644 config.toml /etc/xdg/docker-credential-harbor/config.toml
# before setup, which keeps it.
set -eu
cd "$(dirname "$0")"
set -- docker-credential-harbor_*.deb
dpkg --install "${PACKAGE:-$1}"
docker-credential-harbor setup --system "$REGISTRY"
# shellcheck disable=SC2016 # it is for the user's own shell to expand
su "$_REMOTE_USER" -c 'docker-credential-harbor setup --no-login "$0"' "$REGISTRY"
