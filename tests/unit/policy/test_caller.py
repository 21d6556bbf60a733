"""What a caller wants, by its command line: the unknown is taken as needed."""

from __future__ import annotations

import pytest

from docker_credential_harbor.policy.caller import Caller, Wish

HARBOR = "harbor.example.com"
BASH = ("bash",)


def caller(*lines: str, **environ: str) -> Caller:
    return Caller(tuple(tuple(line.split()) for line in lines), environ, "linux")


@pytest.mark.parametrize(
    ("lines", "redraws"),
    [
        (["docker build ."], True),
        (["docker image build ."], True),
        (["/home/alice/.docker/cli-plugins/docker-buildx buildx build .", "docker build .", "bash"], True),
        (["/usr/libexec/docker/cli-plugins/docker-compose compose up", "docker compose up", "bash"], True),
        (["docker-compose up"], True),
        (["/usr/bin/python3 /usr/bin/docker-compose pull"], True),
        (["C:\\Docker\\docker-buildx.EXE build ."], True),
        (["buildctl build"], True),
        (["sh -c x", "docker --context c compose up"], True),
        (["docker --log-level debug --config /x -H tcp://h build ."], True),
        (["com.docker.cli build ."], True),
        (["/usr/bin/python3 -s -E /usr/bin/docker-compose pull"], True),
        (["docker run --name build harbor.example.com/a/b compose"], False),
        (["docker --context build pull harbor.example.com/a/b"], False),
        (["docker -c compose push harbor.example.com/a/b"], False),
        (["python3 -c docker.from_env() x"], False),
        (["bash ./build"], False),
        (["docker pull harbor.example.com/a/build"], False),
        (["docker push x", "make", "bash"], False),
        (["podman build ."], False),
        (["java -jar docker-compose"], False),
        (["bash"], False),
        ([], False),
    ],
)
def test_whether_it_draws_over_what_others_write(lines: list[str], redraws: bool) -> None:
    assert caller(*lines).redraws is redraws


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        (["/opt/jdk/bin/java -Dpassword=x -jar y"], "java"),
        (["docker pull x", "bash"], "docker"),
        (["/usr/bin/python3.11 /home/a/secret.py"], "python3.11"),
        (["python3 /usr/bin/docker-compose pull"], "docker-compose"),
        (["-bash"], "bash"),
        (["com.docker.cli pull x"], "docker"),
        ([""], ""),
        ([], ""),
    ],
)
def test_its_name_has_no_argument_in_it(lines: list[str], name: str) -> None:
    assert caller(*lines).name == name


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("npm exec devcontainer --token=a/secret", "npm"),
        ("sshd: somebody/x@pts/0", "sshd"),
        ("/opt/My Programs/bin/docker", "docker"),
        ("/opt/x/client --password secret", "client"),
    ],
)
def test_nor_where_a_program_has_put_its_arguments_into_one_word(word: str, name: str) -> None:
    assert Caller(((word, "more"),)).name == name


PTS, OURS, ANOTHER = "/dev/pts/3", "pipe:[7]", "pipe:[8]"


class TestWhetherAPipeIsSeenByAnybody:
    """On standard error, and by whom it was made."""

    @pytest.mark.parametrize(
        ("lines", "stderrs", "seen"),
        [
            (["/x/docker-compose compose up", "docker compose up", "bash"], [OURS, PTS, PTS], True),
            (["/x/docker-scout scout cves x", "docker scout cves x", "bash"], [OURS, "/dev/tty1", PTS], True),
            (["/x/docker-compose compose up", "docker compose up", "bash ./up"], [OURS, ANOTHER, PTS], False),
            (["/x/docker-compose compose up", "docker compose up", "bash"], [OURS, "/dev/null", PTS], False),
            (
                ["/x/docker-buildx bake", "/x/docker-compose compose up", "docker compose up"],
                [OURS, ANOTHER, PTS],
                False,
            ),
            (["docker pull x", "-zsh"], [OURS, PTS], True),
            (["docker pull x", "make", "-bash"], [OURS, OURS, PTS], True),
            (["docker pull x", "bash ./script", "bash"], [OURS, PTS, PTS], False),
            (["docker pull x", "bash -c y", "bash"], [OURS, PTS, PTS], False),
            (["docker pull x", "python3 y", "bash"], [OURS, PTS, PTS], False),
            (["docker pull x", "sudo docker pull x", "bash"], [OURS, "", PTS], False),
            (["docker pull x"], [OURS], False),
            (["bash"], [PTS], True),
            (["/opt/jdk/bin/java -jar x", "bash"], [PTS, PTS], False),
        ],
    )
    def test_where_the_system_tells(self, lines: list[str], stderrs: list[str], seen: bool) -> None:
        found = caller(*lines)._replace(stderrs=(OURS, *stderrs))
        assert found.passes_on is seen

    @pytest.mark.parametrize(
        ("lines", "seen"),
        [
            (["/x/docker-compose compose up", "docker compose up", "bash ./script"], True),
            (["/x/docker-buildx bake", "/x/docker-compose compose up", "docker compose up"], False),
            (["docker pull x", "-zsh"], True),
            (["podman pull x", "bash -l"], True),
            (["podman pull x", "bash ./script"], False),
            (["docker pull x"], False),
            (["-zsh"], True),
            (["bash ./script"], False),
            (["/opt/jdk/bin/java -jar x", "bash"], False),
            (["node x", "-bash"], False),
            ([], True),
        ],
    )
    def test_where_names_alone_are_known(self, lines: list[str], seen: bool) -> None:
        assert caller(*lines).passes_on is seen


class TestLogin:
    @pytest.mark.parametrize(
        "line",
        [
            f"podman login -u robot$x {HARBOR}",
            f"podman login -urobot$x {HARBOR}",
            f"podman --log-level debug login --username=robot$x {HARBOR}",
            f"skopeo login --username robot$x --password-stdin {HARBOR}",
            f"buildah login -u robot$x {HARBOR}",
            f"helm registry login {HARBOR} -u robot$x",
        ],
    )
    def test_with_a_user_of_its_own_it_needs_nobody(self, line: str) -> None:
        wish, reason = caller(line).wish(HARBOR)
        assert wish is Wish.NOTHING
        assert reason == f"{line.split()[0]} login names a user of its own"

    @pytest.mark.parametrize("client", ["podman", "skopeo", "buildah"])
    def test_nor_does_the_question_who_is_signed_in(self, client: str) -> None:
        wish, reason = caller(f"{client} login --get-login {HARBOR}").wish(HARBOR)
        assert wish is Wish.NOTHING
        assert reason == f"{client} login only asks who is signed in"

    @pytest.mark.parametrize(
        "line",
        [
            f"podman login {HARBOR}",
            f"podman run {HARBOR}/a/b login -u x",
            f"docker --context login pull {HARBOR}/a/b -u",
            f"podman login --tls-verify=false {HARBOR}",
            "podman run -u root login",
            "sudo -u root podman-login",
            f"unknown login -u x {HARBOR}",
        ],
    )
    def test_else_it_is_as_ever(self, line: str) -> None:
        assert caller(line).wish(HARBOR) == (Wish.THIS, "")


class TestEveryRegistry:
    @pytest.mark.parametrize(
        "line",
        [
            "docker build .",
            "docker image build -t harbor.example.com/a/b .",
            "podman --remote build .",
            "podman -r run quay.io/a/b sh",
            "podman-remote pull alpine",
            "podman --url unix:///run/podman.sock pull alpine",
            "podman --connection=mac pull alpine",
            "python3 /usr/bin/docker-compose build",
            f"podman --remote build -t {HARBOR}/a/b .",
            "podman --storage-opt x --tmpdir /x --remote pull alpine",
            "podman -H unix:///run/podman.sock pull alpine",
            "python3 -s /usr/bin/docker-compose -f run.yaml build",
            "com.docker.cli build .",
            "podman --remote pull --authfile conf.d/auth.json alpine",
            "podman --remote pull",
        ],
    )
    def test_is_asked_for_whatever_is_needed(self, line: str) -> None:
        assert caller(line).wish(HARBOR)[0] is Wish.EVERY

    @pytest.mark.parametrize(
        "line",
        [
            f"podman --remote pull {HARBOR}/a/b",
            f"podman --remote pull -q {HARBOR}:443/a/b",
            f"podman --remote push quay.io/a/b docker://{HARBOR}/a/b",
            f"podman-remote run --rm {HARBOR}/a/b sh",
        ],
    )
    def test_and_for_its_own_image_as_well(self, line: str) -> None:
        assert caller(line).wish(HARBOR) == (Wish.EVERY, f"{line.split()[0]} asks for every registry")

    @pytest.mark.parametrize(
        "line",
        [
            "podman --remote pull quay.io/a/b",
            "podman-remote pull -q --tls-verify=false quay.io/a/b localhost:5000/c",
            "podman --remote push docker://quay.io/a/b",
            "podman --remote pull localhost/a",
        ],
    )
    def test_and_the_image_is_anothers(self, line: str) -> None:
        wish, reason = caller(line).wish(HARBOR)
        assert wish is Wish.NOTHING
        assert reason.endswith("is for another registry")


@pytest.mark.parametrize(
    "lines",
    [
        ["docker pull quay.io/a/b"],  # it asks for what it needs, mirrors among it
        ["podman pull quay.io/a/b"],
        ["podman build ."],
        ["/x/docker-buildx buildx build .", "docker build ."],
        ["/x/docker-compose compose build"],
        ["docker --context build pull harbor.example.com/a/b"],
        ["docker -c build pull harbor.example.com/a/b"],
        ["docker stack deploy --with-registry-auth build"],
        ["podman --remote=false pull alpine"],
        ["podman run alpine sh -r"],
        ["docker-compose build"],
        ["bash", "docker build ."],
        ["python3 build.py"],
        [""],
        [],
    ],
)
def test_who_asks_for_what_it_needs_or_is_unknown(lines: list[str]) -> None:
    assert caller(*lines).wish(HARBOR) == (Wish.THIS, "")


@pytest.mark.parametrize(
    ("value", "wish"),
    [
        *(("1", Wish.THIS), ("true", Wish.THIS)),
        *(("0", Wish.EVERY), ("", Wish.EVERY), ("False", Wish.EVERY), ("FALSE", Wish.EVERY), ("f", Wish.EVERY)),
    ],
)
def test_docker_itself_with_buildkit(value: str, wish: Wish) -> None:
    assert caller("docker build .", DOCKER_BUILDKIT=value).wish(HARBOR)[0] is wish


@pytest.mark.parametrize("name", ["CONTAINER_HOST", "CONTAINER_CONNECTION"])
def test_podman_that_finds_its_service_by_a_variable(name: str) -> None:
    assert caller("podman pull alpine", **{name: "x"}).wish(HARBOR)[0] is Wish.EVERY
    assert caller("podman run alpine sh -c x").wish(HARBOR)[0] is Wish.THIS


def test_podman_on_macos_is_the_remote_client() -> None:
    for image, wish in (("quay.io/a/b", Wish.NOTHING), ("alpine", Wish.EVERY), (f"{HARBOR}/a/b", Wish.EVERY)):
        assert Caller((("podman", "pull", image),), {}, "darwin").wish(HARBOR)[0] is wish
        assert Caller((("podman", "pull", image),), {}, "linux").wish(HARBOR)[0] is Wish.THIS


def test_a_name_that_is_no_registry() -> None:
    for image in ("./a.b/c", "../x.y/z", "a b/c.d", "user@h.x/a", "a.b:port/c", "library/alpine"):
        assert Caller((("podman-remote", "pull", image),)).wish(HARBOR)[0] is Wish.EVERY


class TestOneThatAsksForTheNextAtOnce:
    """Having had no pair for another registry: whoever needs that would have failed."""

    @pytest.mark.parametrize("line", ["python3 build.py", "/usr/bin/python3.11 -c x", "dagger build", "java -jar x"])
    @pytest.mark.parametrize("seconds", [0.0, 9.9])
    def test_a_program_of_its_own_is_seen_to_ask_for_every_registry(self, line: str, seconds: float) -> None:
        found = caller(line)._replace(missed_before=(3600.0, seconds))
        assert found.is_untold
        assert found.wish(HARBOR) == (Wish.EVERY, f"{found.name} asks for one registry after another")

    @pytest.mark.parametrize("missed", [(), (10.0,), (3600.0, 86400.0), (-1.0,)])
    def test_not_a_good_while_later(self, missed: tuple[float, ...]) -> None:
        assert caller("python3 pull.py")._replace(missed_before=missed).wish(HARBOR) == (Wish.THIS, "")

    @pytest.mark.parametrize(
        "line",
        [
            "docker pull x",
            "/x/docker-compose compose pull",
            "docker-scout x",
            "buildctl build",
            "helm pull x",
            "sh",
            "",
        ],
    )
    def test_nor_one_that_asks_for_what_it_needs(self, line: str) -> None:
        found = caller(line)._replace(missed_before=(0.0,))
        assert not found.is_untold
        assert found.wish(HARBOR) == (Wish.THIS, "")

    def test_what_a_command_line_tells_goes_first(self) -> None:
        for line, wish in (("podman --remote pull quay.io/a/b", Wish.NOTHING), ("podman --remote run a", Wish.EVERY)):
            assert caller(line)._replace(missed_before=(0.0,)).wish(HARBOR)[0] is wish
