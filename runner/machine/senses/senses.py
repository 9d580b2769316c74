"""What every system can be asked; each knows more of it or less."""


class Senses:
    """Answers within a fraction of a millisecond; None where the system does not say."""

    def megahertz(self) -> float | None:
        """The frequency of the processors that compute."""
        return None

    def temperature(self) -> float | None:
        """Of the processor, in degrees Celsius."""
        return None

    def throttled(self) -> int | None:
        """How often a limit of heat, power or time was hit so far; it only grows."""
        return None

    def governor(self) -> str | None:
        """Who chooses the frequency, in the system's own words."""
        return None

    def on_battery(self) -> bool | None:
        """Whether the machine runs from its battery; False where it has none."""
        import psutil

        try:
            battery = psutil.sensors_battery()
        except (AttributeError, OSError, RuntimeError):
            return None
        if battery is None:
            return False
        return None if battery.power_plugged is None else not battery.power_plugged
