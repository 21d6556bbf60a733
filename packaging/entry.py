"""Where PyInstaller's executable begins; none of its own start-up code runs before (see the .spec). On Linux it is
another: packaging/interpreter/main.c.
"""

import sys

sys.frozen = True  # type: ignore[attr-defined] # which that code would have said

from docker_credential_harbor.__main__ import main  # noqa: E402

sys.exit(main())
