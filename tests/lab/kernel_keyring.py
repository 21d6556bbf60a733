"""Whether the kernel gives this user a keyring: there is none in many containers, nor on other systems."""

from docker_credential_harbor.warm_get import kernel_keys


def is_open() -> bool:
    """Such calls are answered here."""
    try:
        kernel_keys.read(b"what nobody keeps")
    except OSError:
        return False
    return True
