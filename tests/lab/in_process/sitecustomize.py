"""The lab within a process of the product's: what the environment asks for, and nothing where it asks for nothing.

Python imports a module of this name before anything else (documentation of `site`).
"""

import os

if "HARBOR_LAB_CLOCK" in os.environ:
    import lab_clock  # type: ignore[import-not-found]  # noqa: F401
if "HARBOR_LAB_SEES_WALK" in os.environ:
    import lab_walk  # type: ignore[import-not-found]  # noqa: F401
