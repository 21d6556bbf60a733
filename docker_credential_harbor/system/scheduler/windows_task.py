"""A task of Windows' Task Scheduler for this user, registered from XML by `schtasks`.

Sources: Task Scheduler Schema; the documentation of schtasks. Written from documentation: this system is not tested.
The task runs where the person is logged on, since only there Windows' credential store can be read; a console program
would flash a window there, so the console's host starts it without one.
"""

from __future__ import annotations

import csv
import os
import re
import subprocess
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from docker_credential_harbor.system import files, folders, scheduler
from docker_credential_harbor.system.scheduler import NAME, Schedule

if TYPE_CHECKING:
    from pathlib import Path

    from docker_credential_harbor.system.scheduler import Job

TITLE = "a scheduled task"
NAMESPACE = "http://schemas.microsoft.com/windows/2004/02/mit/task"
STARTED_LONG_AGO = "2020-01-01T00:00:00"  # with StartWhenAvailable, so that the next repetition is the first
NEXT_RUN, LAST_RUN = 2, 5  # columns of `schtasks /Query /V /FO CSV`; their titles are translated


def install(job: Job) -> bool:
    written = files.write_private(_path(), task_xml(job))
    try:
        registered = scheduler.run(["schtasks", "/Query", "/TN", NAME])[0] == 0
    except FileNotFoundError as error:
        raise scheduler.no_scheduler("there is no schtasks", job) from error
    if registered and not written:
        return False
    scheduler.must(["schtasks", "/Create", "/F", "/TN", NAME, "/XML", str(_path())])
    return True


def uninstall() -> bool:
    try:
        registered = scheduler.run(["schtasks", "/Query", "/TN", NAME])[0] == 0
    except FileNotFoundError:
        registered = False
    if registered:
        scheduler.must(["schtasks", "/Delete", "/F", "/TN", NAME])
    files.remove(_path())
    return registered


def status() -> Schedule | None:
    try:
        found, output, _ = scheduler.run(["schtasks", "/Query", "/TN", NAME, "/V", "/FO", "CSV", "/NH"])
    except FileNotFoundError:
        return None
    if found != 0:
        return None
    row = next(csv.reader(output.splitlines()), [])
    shown = dict(enumerate(row))
    definition = (files.read_bytes(_path()) or b"").decode("utf-16", errors="replace")
    interval = re.search(r"<Interval>PT(\d+)M</Interval>", definition)
    return Schedule(int(interval[1]) * 60 if interval else None, shown.get(NEXT_RUN), shown.get(LAST_RUN))


def advice() -> str | None:
    return "It runs while you are logged on."


def task_xml(job: Job) -> bytes:
    """The task's definition, as `schtasks /Create /XML` takes it: in UTF-16."""
    task = ET.Element("Task", {"version": "1.2", "xmlns": NAMESPACE})
    trigger = _add(_add(task, "Triggers"), "TimeTrigger")
    _add(_add(trigger, "Repetition"), "Interval", f"PT{job.interval_seconds // 60}M")
    _add(trigger, "StartBoundary", STARTED_LONG_AGO)
    principal = _add(_add(task, "Principals"), "Principal")
    if os.environ.get("USERNAME"):
        _add(principal, "UserId", "\\".join(filter(None, (os.environ.get("USERDOMAIN"), os.environ["USERNAME"]))))
    _add(principal, "LogonType", "InteractiveToken")
    settings = _add(task, "Settings")
    for name, value in (
        ("MultipleInstancesPolicy", "IgnoreNew"),
        ("DisallowStartIfOnBatteries", "false"),
        ("StopIfGoingOnBatteries", "false"),
        ("StartWhenAvailable", "true"),
        ("Hidden", "true"),
        ("ExecutionTimeLimit", "PT5M"),
    ):
        _add(settings, name, value)
    action = _add(_add(task, "Actions"), "Exec")
    _add(action, "Command", "conhost.exe")
    _add(action, "Arguments", subprocess.list2cmdline(["--headless", *job.command]))
    content: bytes = ET.tostring(task, encoding="utf-16", xml_declaration=True)
    return content


def _add(parent: ET.Element, name: str, text: str = "") -> ET.Element:
    child = ET.SubElement(parent, name)
    child.text = text or None
    return child


def _path() -> Path:
    return folders.user_folder("state") / f"{NAME}.xml"
