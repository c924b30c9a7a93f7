"""The attributes that a model declares."""
import six

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional, Tuple, Union
    from pylxd.core.model import Model


class Attribute(object):
    """The descriptor that `attribute` makes."""

    name = ''

    def __init__(self, kind, readonly, in_etag, patch):
        # type: (Optional[type], bool, bool, str) -> None
        self.kind = (six.string_types if kind is str
                     else kind)  # type: Union[None, type, Tuple[type, ...]]
        self.readonly = readonly  # type: bool
        self.in_etag = in_etag  # type: bool
        self.patch = patch  # type: str

    def __get__(self, model, cls=None):
        # type: (Optional[Model], Any) -> Any
        return self if model is None else model.get_attribute(self.name)

    def __set__(self, model, value):
        # type: (Model, Any) -> None
        name = '{}.{}'.format(type(model).__name__, self.name)
        if self.readonly:
            raise AttributeError('{} is read-only'.format(name))
        if value is None and self.kind in (dict, list):
            if model.was_read(self.name):
                # dict.update() returns None: what was changed in place stays
                return
            raise TypeError('{} cannot be None: write {} to empty it'.format(
                name, self.kind()))
        if self.kind is not None and not isinstance(value, self.kind):
            raise TypeError('{} cannot be {!r}'.format(name, value))
        model.set_attribute(self.name, value)


def attribute(kind=None, readonly=False, in_etag=True, patch='merged'):
    # type: (Optional[type], bool, bool, str) -> Any
    """Declare an attribute of a model.

    :param kind: what a caller may assign: ``str``, ``bool``, ``dict`` or
        ``list``.
    :param readonly: whether the server does not let callers set it.
    :param in_etag: whether the server's ETag covers it. What it does not
        cover is loaded again before each save that sends it.
    :param patch: what a PATCH does to it: ``'merged'`` (the keys of a dict
        that are left out stay, other values are replaced), ``'replaced'``
        (also the whole dict), or ``'ignored'``, so that a change needs PUT.
    """
    return Attribute(kind, readonly, in_etag, patch)
