"""Testcontainers for Java: how it looks an image's pair up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.clients import maven
from tests.clients.library import Library
from tests.clients.maven import MavenClient

if TYPE_CHECKING:
    from tests.clients.client import Done, Seat

PROJECT = "testcontainers_java"


class TestcontainersJava(MavenClient, Library):
    name = "Testcontainers (Java)"
    project = PROJECT

    def call(self, seat: Seat, *arguments: str, stdin: str = "", **environment: str) -> Done:
        verb, registry = arguments
        assert verb == "get"
        classes = maven.project(seat, PROJECT) / "classpath"
        if not classes.exists():
            made = maven.run(seat, PROJECT, "dependency:build-classpath", f"-Dmdep.outputFile={classes}")
            assert made.status == 0, made.shown
        command = ["java", "-cp", classes.read_text(), str(classes.parent / "LookUp.java"), f"{registry}/demo/hello:1"]
        return seat.run(command, stdin, **environment)
