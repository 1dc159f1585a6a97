"""What can go wrong at a device."""

from wattmesh_kernel.errors import InvalidArgument


class DeviceUnavailable(Exception):
    """The device did not answer; it may later."""


class DeviceFailed(DeviceUnavailable):
    """The device answered that it failed; when it goes on to, trying again makes no sense."""


class DeviceRefused(Exception):
    """The device answered, and will not do what was asked.

    `begun`: it had taken a part of it before, and may act by it.
    """

    def __init__(self, message: str, *, begun: bool = False) -> None:
        super().__init__(message)
        self.begun = begun


class ProfileError(InvalidArgument):
    """A profile is wrong; the message names file, line, key and what is wrong with it."""

    def __init__(self, message: str) -> None:
        super().__init__("INVALID_PROFILE", message)

    def __str__(self) -> str:
        return self.message


class TelegramError(Exception):
    """A telegram cannot be understood."""
