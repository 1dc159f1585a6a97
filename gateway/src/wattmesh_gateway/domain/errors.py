"""What can go wrong at a device."""


class DeviceUnavailable(Exception):
    """The device did not answer; it may later."""


class DeviceRefused(Exception):
    """The device answered, and will not do what was asked."""


class ProfileError(Exception):
    """A profile is wrong; the message names file, line, key and what is wrong with it."""


class TelegramError(Exception):
    """A telegram cannot be understood."""
