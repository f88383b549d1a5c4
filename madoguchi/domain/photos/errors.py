"""What is refused, in words for the person at the camera."""


class PhotoRefused(Exception):
    """A picture or a deed that cannot be taken; the message says why and what to do."""

    @property
    def message(self) -> str:
        return str(self)


class PlaceAway(Exception):
    """The designated place did not take a picture; the message says why, without a name or a secret."""
