"""The bodies of responses: their length, and how they are read."""
import re

from pylxd import exceptions
from pylxd.transport.pools import BLOCK

TYPE_CHECKING = False
if TYPE_CHECKING:
    import requests
    from typing import Any, Optional

#: The number of bytes of a download to read at once. A download to a file has
#: 1.25 times the speed that it has with 256 KiB, which fit no cache.
PIECE = 64 * 1024
#: The largest body in bytes that is read as a whole: ten times the largest
#: known list (10,000 instances with all of their states).
LONGEST_BODY = 1024 ** 3


def read_body(response):
    # type: (Any) -> bytes
    """Read the whole body of a streamed response.

    :raises InvalidResponse: the body is longer than `LONGEST_BODY`.
    """
    length = content_length(response)
    if length is not None and length <= LONGEST_BODY:
        body = response.raw.read()  # type: bytes
        return body
    blocks, received = [], 0
    for block in iter(lambda: response.raw.read(BLOCK), b''):
        blocks.append(block)
        received += len(block)
        if received > LONGEST_BODY:
            response._content = blocks[0]
            response.raw.close()
            raise exceptions.InvalidResponse(
                response, reason='the body is longer than {} bytes; read it '
                'with stream=True'.format(LONGEST_BODY))
    return b''.join(blocks)


def content_length(response):
    # type: (requests.Response) -> Optional[int]
    """Return the announced length of a body in bytes, None without one."""
    if getattr(response.request, 'method', None) == 'HEAD':
        return None  # the header tells the length of the body of a GET
    length = response.headers.get('Content-Length', '')
    return int(length) if re.match('[0-9]+$', length) else None
