"""Sockets that deliver data in given pieces."""


class PieceSocket(object):
    """A socket that delivers the pieces, one with each call, and then ends.

    :param is_blocking: the mode that the caller must set.
    """

    def __init__(self, pieces, is_blocking):
        self.pieces, self._is_blocking = list(pieces), is_blocking

    def recv_into(self, buffer):
        if not self.pieces:
            return self.end()
        piece = self.pieces.pop(0)
        size = min(len(piece), len(buffer))
        buffer[:size] = piece[:size]
        if piece[size:]:
            self.pieces.insert(0, piece[size:])
        return size

    def end(self):
        """Return or raise what `recv_into` does after the last piece."""
        return 0

    def setblocking(self, flag):
        assert flag is self._is_blocking

    def close(self):
        """Nothing to close."""


def cut(stream, positions):
    """Return the pieces of a stream, cut at positions modulo its length."""
    starts = sorted({position % (len(stream) or 1) for position in positions}
                    | {0})
    return [stream[start:end] for start, end in zip(
        starts, starts[1:] + [len(stream)])]
