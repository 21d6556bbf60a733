"""What ends a hold-back: a sign-in for offline_access waits for Harbor's walk, and no program sees a browser's end.

The product holds the code back for five seconds then. Here it goes on as soon as the person's browser is at rest; the
seconds stay the limit, so a slow machine has all of them.
"""

from pathlib import Path

IN_PROCESS = Path(__file__).parent / "in_process"
SEEN = {"PYTHONPATH": str(IN_PROCESS), "HARBOR_LAB_SEES_WALK": "yes"}
