"""The demo's lab with the packaged executable in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.lab.demo_lab import DemoLab

if TYPE_CHECKING:
    from pathlib import Path

CACHE_TTL = "DOCKER_CREDENTIAL_HARBOR_CACHE_TTL"


class BenchLab(DemoLab):
    """alice's, with the configuration written; what is asked next signs her in."""

    def __init__(self, program: Path, *, tls: bool = False) -> None:
        super().__init__(tls=tls)
        self.helper.program = str(program)
        ca_file = f'ca_file = "{self.ca_file}"\n' if self.ca_file else ""
        self.helper.configure(f'storage = "file"\n[registries."{self.name}"]\nurl = "{self.harbor.url}"\n{ca_file}')

    @property
    def warm_environment(self) -> dict[str, str]:
        """In which what is remembered counts."""
        return {name: value for name, value in self.home.environment.items() if name != CACHE_TTL}

    def trust_nothing(self) -> None:
        """From now on every `get` asks Harbor."""
        self.home.environment[CACHE_TTL] = "0"

    def trust_again(self) -> None:
        """As it comes."""
        self.home.environment.pop(CACHE_TTL, None)

    def get(self) -> None:
        """A `get` that must give the pair."""
        call = self.call("get", self.name)
        if call.status:
            raise SystemExit(f"bench: get failed: {call.errors}")
