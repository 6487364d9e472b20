"""Copies within memory that numba's own language cannot say; nothing here checks bounds."""

from typing import Any, Final

from llvmlite import ir
from numba import extending
from numba.core import cgutils, types

from simulator.fast.compiled import compiled
from simulator.fast.tables import Rows

_intrinsic: Final[Any] = extending.intrinsic

#: Texts to copy are padded to a multiple of this, which is one instruction's, or two's.
PIECE: Final = 32


@_intrinsic
def _copy_piece(_: Any, target: Any, at: Any, source: Any, start: Any) -> Any:
    """Copy ``PIECE`` bytes from ``source[start]`` on to ``target[at]`` and on."""
    signature = types.void(target, types.int64, source, types.int64)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        def address(array: int, place: int) -> Any:
            data = context.make_array(signature.args[array])(context, builder, arguments[array]).data
            return builder.gep(data, [arguments[place]])

        size = ir.Constant(ir.IntType(64), PIECE)
        cgutils.raw_memcpy(builder, address(0, 1), address(2, 3), size, 1)
        return context.get_dummy_value()

    return signature, generate


@_intrinsic
def put_two(_: Any, target: Any, at: Any, two: Any) -> Any:
    """Write the two bytes of an uint16 to ``target[at]`` and on."""
    signature = types.void(target, types.int64, types.uint16)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        place = builder.bitcast(builder.gep(data, [arguments[1]]), ir.PointerType(ir.IntType(16)))
        builder.store(arguments[2], place).align = 1
        return context.get_dummy_value()

    return signature, generate


@compiled
def copy(target: Rows, at: int, source: Rows, start: int, length: int) -> int:
    """Copy bytes, and up to ``PIECE`` - 1 meaningless ones behind them; return the place after them in ``target``."""
    _copy_piece(target, at, source, start)
    for done in range(PIECE, length, PIECE):
        _copy_piece(target, at + done, source, start + done)
    return at + length
