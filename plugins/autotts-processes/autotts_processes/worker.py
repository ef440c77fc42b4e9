"""A worker's process: does one shard, and says what came of it."""

from __future__ import annotations

import pickle

from autotts_core.errors import AutoTTSError
from autotts_core.processes import connect


def main() -> None:
    """Reply with whether the shard is done, and its result or the error that explains it."""
    incoming, outgoing = connect()
    function, shard = pickle.load(incoming)
    try:
        reply = (True, function(shard))
    except AutoTTSError as error:
        reply = (False, error)
    outgoing.write(pickle.dumps(reply))
    outgoing.flush()


if __name__ == "__main__":
    main()
