"""Helm's own registry configuration, which goes before Docker's. Source: ``--registry-config`` in helm(1)."""

from pathlib import Path

IN_HOME = Path(".config", "helm", "registry", "config.json")
