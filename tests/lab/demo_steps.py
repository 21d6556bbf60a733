"""What the demo shows, step by step: what `get` does on a person's own machine."""

from __future__ import annotations

import gzip
import json
import statistics
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from tests.lab import kernel_keyring
from tests.lab.demo_engine import engine
from tests.lab.demo_lab import GREETING, HARBOR_NAME, REPOSITORY, TAG, Call, DemoLab
from tests.lab.demo_report import INDENT, Report, Step, masked
from tests.lab.harbor.records import new_secret
from tests.lab.image_client import ImageClient, PullError
from tests.lab.realm import HELPER_CLIENT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.docker import DockerEngine

CACHE_TTL = "DOCKER_CREDENTIAL_HARBOR_CACHE_TTL"
TRUST_SECONDS = 2  # short, so that its end can be shown
WARM_RUNS = 7
IMAGE_BYTES = 1 << 16
WARNING = "could not be verified"


class Demo:
    """The steps in their order; each changes what the next one finds."""

    def __init__(self, lab: DemoLab, report: Report) -> None:
        self._lab = lab
        self._report = report
        self._harbor = lab.harbor
        self._provider = lab.provider

    def run(self) -> None:
        """All of them."""
        self._setup()
        self._first_get()
        self._warm_get()
        self._after_the_trust_window()
        # From here on every get probes, so that nobody has to wait for a window to end.
        self._lab.home.environment[CACHE_TTL] = "0"
        self._dead_token()
        self._replaced_secret()
        self._provider_away()
        self._harbor_away()
        self._pull()
        self._docker()
        self._status()
        self._logout()

    # --- The pair -----------------------------------------------------------------------------------------------------

    def _setup(self) -> None:
        with self._report.step("setup writes two files") as step:
            step.say("The registry is entered into the helper's configuration, the helper into Docker's.")
            call = self._command(step, "setup", "--no-login", self._harbor.url)
            ours = self._lab.home.folders["XDG_CONFIG_HOME"] / "docker-credential-harbor" / "config.toml"
            theirs = self._lab.home.docker_config / "config.json"
            for file in (ours, theirs):
                self._show_file(step, file)
            helpers = json.loads(theirs.read_text()).get("credHelpers") if theirs.exists() else None
            step.expect("both files are there", call.status == 0 and ours.exists())
            step.expect("Docker asks this helper for this registry", helpers == {self._lab.name: "harbor"})

    def _first_get(self) -> None:
        with self._report.step("the first get signs in") as step:
            step.say("Docker asks for the pair. Nobody is signed in, so a browser opens: one tab for the helper's")
            step.say("own sign-in and for Harbor's login.")
            call = self._get(step)
            self._expect_pair(step, call)
            step.expect("one browser window", self._lab.person.windows == 1)
            step.expect("one form", self._provider.logins == 1)

    def _warm_get(self) -> None:
        with self._report.step("a warm get asks nobody") as step:
            step.say("Docker asks again within the trust window.")
            if kernel_keyring.is_open():
                step.say("The pair is remembered in the kernel's keyring, where a short way finds it.")
            else:
                step.say(
                    "The kernel's keyring is closed here, as in many containers: it is remembered in a file in memory."
                )
            self._harbor.clear_requests()
            self._provider.requests.clear()
            call = self._get(step)
            warm, bare = [call.milliseconds], [_bare_start()]
            for _ in range(WARM_RUNS - 1):
                warm.append(self._lab.call("get", self._lab.name).milliseconds)
                bare.append(_bare_start())
            asked = len(self._harbor.requests) + len(self._provider.requests)
            self._expect_pair(step, call, silent=True)
            step.expect(f"Harbor and the provider saw {asked} requests", asked == 0)
            step.milliseconds, nothing = statistics.median(warm), statistics.median(bare)
            step.say(
                f"Median of {WARM_RUNS}: {step.milliseconds:.1f} ms; python3 -I -S -c pass takes {nothing:.1f} ms here."
            )

    def _after_the_trust_window(self) -> None:
        with self._report.step("after the trust window: one probe") as step:
            step.say(f"A get begins a window of {TRUST_SECONDS} s (300 s by default), and when that is over:")
            self._lab.home.environment[CACHE_TTL] = str(TRUST_SECONDS)
            self._get(step)
            time.sleep(TRUST_SECONDS + 0.1)
            call = self._get(step)
            self._expect_pair(step, call, silent=True)
            step.say("How long Harbor's own tokens live is still being learnt, by one request more.")
            self._expect_asked(step, ["/service/token", "/api/v2.0/users/current"])

    def _dead_token(self) -> None:
        with self._report.step("Harbor's stored token is dead: one walk, no form") as step:
            step.say("The CLI secret is right, but Harbor refuses it: its own sign-in for the person has ended.")
            self._harbor.kill_stored_token(HARBOR_NAME)
            windows, logins = self._lab.person.windows, self._provider.logins
            call = self._get(step)
            self._expect_pair(step, call)
            step.expect("one window more", self._lab.person.windows == windows + 1)
            step.expect("no form in it", self._provider.logins == logins)

    def _replaced_secret(self) -> None:
        with self._report.step("the secret was replaced in Harbor: get finds the new one") as step:
            step.say("The person made a new CLI secret on Harbor's page; the old one is worth nothing.")
            self._harbor.set_secret(HARBOR_NAME, new_secret())
            windows = self._lab.person.windows
            call = self._get(step)
            self._expect_pair(step, call, silent=True)
            self._expect_asked(step, ["/service/token", "/api/v2.0/users/current", "/service/token"])
            step.expect("nothing opened", self._lab.person.windows == windows)

    # --- Bad weather --------------------------------------------------------------------------------------------------

    def _provider_away(self) -> None:
        with self._report.step("the provider is away: the last known pair, with a warning") as step:
            step.say("Harbor cannot reach the provider either, so it refuses a pair that is right.")
            self._provider.down()
            try:
                self._expect_last_known(step)
            finally:
                self._provider.up()

    def _harbor_away(self) -> None:
        with self._report.step("Harbor is away: the last known pair, with a warning") as step:
            self._harbor.down()
            try:
                self._expect_last_known(step)
            finally:
                self._harbor.up()
            step.say("Both are back:")
            call = self._get(step)
            step.expect("verified again without a word once both are back", (call.status, call.errors) == (0, ""))

    def _expect_last_known(self, step: Step) -> None:
        windows = self._lab.person.windows
        call = self._get(step)
        self._expect_pair(step, call)
        lines = call.errors.splitlines()
        step.expect("one line of warning", len(lines) == 1 and WARNING in lines[0])
        step.expect("nothing opened", self._lab.person.windows == windows)

    # --- Images -------------------------------------------------------------------------------------------------------

    def _pull(self) -> None:
        with self._report.step("an image pull with that pair") as step:
            step.say(f"What docker does for {self._lab.name}/{REPOSITORY}:{TAG}, a private image, in plain HTTP.")
            pair = json.loads(self._get(step).output)
            client = ImageClient(self._harbor.url, (pair["Username"], pair["Secret"]))
            began = time.perf_counter()
            pulled = client.pull(REPOSITORY, TAG)
            step.took((time.perf_counter() - began) * 1000)
            client.close()
            for line in pulled.steps:
                step.came("http", line)
            step.expect("every digest is right", GREETING in gzip.decompress(pulled.layers[0]))
            step.expect("without a pair it is refused", self._is_refused_to_strangers())

    def _is_refused_to_strangers(self) -> bool:
        client = ImageClient(self._harbor.url, None)
        try:
            client.pull(REPOSITORY, TAG)
        except PullError as error:
            return str(error).endswith("401")
        finally:
            client.close()
        return False

    def _docker(self) -> None:
        with (
            self._report.step("docker push and docker pull through credHelpers") as step,
            engine(self._lab.folder, self._lab.home.environment) as (found, where),
        ):
            if found is None:
                step.skip(where)
            else:
                step.say(f"With {where}; the pair comes from the helper, config.json holds none.")
                self._push_and_pull(step, found)

    def _push_and_pull(self, step: Step, found: DockerEngine) -> None:
        image = f"{self._lab.name}/demo/pushed:1"
        found.import_image(image, IMAGE_BYTES)
        self._harbor.clear_requests()
        try:
            pushed = self._run_docker(step, found, "push", image)
            if pushed.returncode and not self._asked("docker/"):
                step.skip("this engine does not reach 127.0.0.1 of this machine: not shown")
                return
            self._run_docker(step, found, "rmi", image)
            pulled = self._run_docker(step, found, "pull", image)
        finally:
            found.forget_image(image)
        step.expect("pushed", pushed.returncode == 0 and "demo/pushed" in self._lab.registry.repositories())
        step.expect("pulled", pulled.returncode == 0)

    def _run_docker(self, step: Step, found: DockerEngine, *arguments: str) -> subprocess.CompletedProcess[str]:
        step.ran(f"docker {' '.join(arguments)}")
        began = time.perf_counter()
        done = found.run(*arguments, env=self._lab.home.environment)
        step.took((time.perf_counter() - began) * 1000)
        step.came("stdout", "\n".join(done.stdout.splitlines()[-2:]))
        step.came("stderr", done.stderr)
        return done

    def _asked(self, user_agent: str) -> bool:
        """Whether a program of that kind has reached Harbor."""
        return any(user_agent in request.headers.get("User-Agent", "") for request in self._harbor.requests)

    # --- Looking, and leaving -----------------------------------------------------------------------------------------

    def _status(self) -> None:
        with self._report.step("status") as step:
            windows = self._lab.person.windows
            call = self._command(step, "status")
            step.expect(f"{HARBOR_NAME} is ready", call.status == 0 and f"ready ({HARBOR_NAME})" in call.output)
            step.expect("nothing opened", self._lab.person.windows == windows)

    def _logout(self) -> None:
        with self._report.step("logout") as step:
            before = self._provider.records.live_refresh_tokens(HELPER_CLIENT)
            call = self._command(step, "logout")
            after = self._provider.records.live_refresh_tokens(HELPER_CLIENT)
            listed = self._lab.call("list").output.strip()
            step.expect("signed out", call.status == 0)
            step.expect("the provider has revoked the refresh token", (before > 0, after) == (True, 0))
            step.expect("nothing is kept here", listed == "{}")

    # --- Calling the helper -------------------------------------------------------------------------------------------

    def _get(self, step: Step) -> Call:
        """As Docker calls it: the server on standard input, the answer on standard output."""
        self._harbor.clear_requests()
        step.ran(f"printf {self._lab.name} | docker-credential-harbor get")
        call = self._lab.call("get", self._lab.name, lambda line: step.came("stderr", line))
        step.came("stdout", masked(call.output))
        step.took(call.milliseconds)
        return call

    def _command(self, step: Step, *arguments: str) -> Call:
        step.ran(f"docker-credential-harbor {' '.join(arguments)}")
        call = self._lab.call(arguments, show=lambda line: step.came("stderr", line))
        step.came("stdout", call.output.replace(str(self._lab.home.path), "~"))
        step.took(call.milliseconds)
        return call

    def _expect_pair(self, step: Step, call: Call, silent: bool = False) -> None:
        """The answer is the pair that is right in Harbor now."""
        user = self._harbor.users[HARBOR_NAME]
        right = {"ServerURL": self._lab.name, "Username": user.username, "Secret": user.secret}
        try:
            same = json.loads(call.output) == right
        except ValueError:
            same = False
        step.expect("the pair is right", call.status == 0 and same)
        if silent:
            step.expect("nothing on standard error", call.errors == "")

    def _expect_asked(self, step: Step, paths: list[str]) -> None:
        asked = [request.path.partition("?")[0] for request in self._harbor.requests]
        step.expect(f"Harbor was asked for {' '.join(asked) or 'nothing'}", asked == paths)

    def _show_file(self, step: Step, file: Path) -> None:
        step.say(str(file).replace(str(self._lab.home.path), "~") + ":")
        content = file.read_text() if file.exists() else "(not there)"
        for line in content.splitlines():
            step.say(f"{INDENT}{line}".expandtabs(2))


def _bare_start() -> float:
    """Milliseconds of a Python that does nothing."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-I", "-S", "-c", "pass"], check=True, stdin=subprocess.DEVNULL)
    return (time.perf_counter() - began) * 1000
