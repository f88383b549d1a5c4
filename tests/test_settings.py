"""Settings that come as one text are read right, and a wrong one is named."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.settings.base import line_channels, smtp


@pytest.mark.parametrize(
    ("url", "port", "from_the_first_byte", "by_command"),
    [
        ("smtp://127.0.0.1", 25, False, False),
        ("smtp+starttls://user:p%40ss@relay.example.jp", 587, False, True),
        ("smtp+starttls://relay.example.jp:2587", 2587, False, True),
        ("smtps://relay.example.jp", 465, True, False),
    ],
)
def test_how_mail_leaves(url: str, port: int, from_the_first_byte: bool, by_command: bool) -> None:
    read = smtp(url)
    assert (read["EMAIL_PORT"], read["EMAIL_USE_SSL"], read["EMAIL_USE_TLS"]) == (port, from_the_first_byte, by_command)
    assert read["EMAIL_HOST_PASSWORD"] == ("p@ss" if "user" in url else "")


def test_another_scheme_is_refused_with_those_that_work() -> None:
    with pytest.raises(ImproperlyConfigured, match=r"'http'.*smtp\+starttls://"):
        smtp("http://relay.example.jp")


def test_the_line_channels_of_several_cities() -> None:
    assert line_channels("") == {}
    assert line_channels("izumi:s1:a+/= urasoe:s2:b") == {"izumi": ("s1", "a+/="), "urasoe": ("s2", "b")}


@pytest.mark.parametrize("text", ["demo", "izumi:secret", "izumi::token", "izumi:s:t:more"])
def test_keys_of_line_that_lack_a_part_are_refused_without_being_shown(text: str) -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        line_channels(text)
    assert text not in str(caught.value)
