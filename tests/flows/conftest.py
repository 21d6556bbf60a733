"""What the tests of flows take from the lab."""

from tests.lab.workplace import NOT_FOUND, WITH_OFFLINE, WITHOUT_OFFLINE, Workplace

__all__ = ["NOT_FOUND", "WITHOUT_OFFLINE", "WITH_OFFLINE", "Workplace"]
