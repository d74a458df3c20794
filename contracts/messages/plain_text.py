"""An answer as text that is cut after each measurement, as long as it has only elements and texts.

What is not plain (comments, sections, a DOCTYPE, instructions, another encoding than UTF-8) the parser reads alone.
"""

from __future__ import annotations

import codecs
import re

# A declaration without an encoding or with UTF-8, then an element.
_BEGINNING = re.compile(
    r"""\ufeff?(?:<\?xml(?:(?!encoding)[^<>?])*(?:encoding\s*=\s*["']utf-8["'][^<>?]*)?\?>)?\s*<[^!?]""", re.IGNORECASE
)
#: Text without the end of a measurement that is kept; more of it is no row of measurements.
_MOST_WAITING = 65_536


class NotPlain(Exception):
    """The parser has to read everything from here on: first `PlainText.rest`."""


class PlainText:
    """Takes bytes with `add` and gives text with `next_piece`, or by `position` what somebody else has read of it."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._undecoded = b""
        self._is_begun = False
        self._declaration_chars = 0
        self._last_char = ""
        self.text = ""
        self.position = 0

    def add(self, data: bytes) -> None:
        """Take the next bytes. Raises NotPlain."""
        self.text = self.text[self.position :]
        self.position = 0
        try:
            self.text += self._decoder.decode(data)
        except UnicodeDecodeError:
            self._undecoded = data
            raise NotPlain from None
        if not self._is_begun:
            self._begin()

    def rest(self) -> bytes:
        """Give everything that has been added and not been read, as it came."""
        pending, _ = self._decoder.getstate()
        return self.text[self.position :].encode() + pending + self._undecoded

    def next_piece(self, end: str) -> str:
        """Give the text up to and with the next ``end``, or all but a part of a tag without it; "" waits for more.

        Raises NotPlain.
        """
        stop = len(self.text)
        if end:
            stop = self.text.find(end, self.position) + len(end)
        elif (begun := self.text.rfind("<", self.position)) > self.text.rfind(">", self.position):
            stop = begun  # The end that is looked for next time may begin there.
        if stop <= max(self.position, len(end) - 1):
            self._check_waiting(end)
            return ""
        piece = self.text[self.position : stop]
        marked = self._last_char + piece[self._declaration_chars :]
        self._declaration_chars = 0
        if "<!" in marked or "<?" in marked:
            raise NotPlain
        self.position = stop
        self._last_char = piece[-1:]
        return piece

    def _begin(self) -> None:
        """Check that the text begins as UTF-8 XML; its declaration is no instruction."""
        self._is_begun = True
        beginning = _BEGINNING.match(self.text)
        if beginning is None:
            raise NotPlain
        self._declaration_chars = beginning.end() - len("<e")

    def _check_waiting(self, end: str) -> None:
        """Let the parser look at what is long without ``end``, or has the same end tag in another form."""
        if len(self.text) - self.position > _MOST_WAITING:
            raise NotPlain
        name = re.escape(end[2:-1].rpartition(":")[2])
        if name and re.search(rf"</(?:[^\s<>/:]+:)?{name}\s*>", self.text[self.position :]):
            raise NotPlain
