"""Where the packaged executable begins; none of PyInstaller's own start-up code runs before it (see the .spec)."""

import sys

sys.frozen = True  # type: ignore[attr-defined] # which that code would have said

from docker_credential_harbor.__main__ import main  # noqa: E402

sys.exit(main())
