"""The queue before the turns that the writes of one firm's agenda take (see `queries.take_turn`)."""

from typing import Final

from fastapi import Depends

from conecta.kit.routing import TakesTurns

IN_TURN: Final = Depends(TakesTurns("agenda"))
